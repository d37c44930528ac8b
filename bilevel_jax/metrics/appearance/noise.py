"""Noise: whether plain surfaces become grainy."""

import numpy as np

from bilevel_jax.images.blocks import in_blocks
from bilevel_jax.metrics.appearance.measure import Measure, Observations
from bilevel_jax.metrics.appearance.pair import FusedPair

PATCH = 8  # pixels
PLAIN = 3.0  # levels: a patch with less deviation in both sources is plain
FLOOR = 0.5  # levels: less deviation than this is the rounding of whole levels


def noise(pair: FusedPair) -> Observations:
    """Deviation of the fused luma over the larger of the sources', in each patch of 8 x 8 that is plain in both.

    Plain: a standard deviation below 3 levels. Both deviations are at least 0.5. Lower is better; 1 = as in the source.
    """
    infrared, visible, fused = (
        in_blocks(image, PATCH).std(axis=1) for image in (pair.infrared, pair.visible_gray, pair.fused_gray)
    )
    sources = np.maximum(infrared, visible)
    plain = sources < PLAIN
    return np.maximum(fused[plain], FLOOR) / np.maximum(sources[plain], FLOOR)


MEASURES = (
    Measure(
        "noise",
        noise,
        "deviation of the fused luma over the larger of the sources', in patches of 8 x 8 that deviate by less than 3 "
        "levels in both sources; both deviations at least 0.5",
        "down",
        "no such patch",
    ),
)
