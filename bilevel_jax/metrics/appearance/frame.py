"""Frame: whether a plain border around the pair changes the picture inside it."""

import numpy as np
from jaxtyping import UInt8

from bilevel_jax.metrics.appearance.measure import UNDEFINED, Measure, Observations
from bilevel_jax.metrics.appearance.pair import FusedPair
from bilevel_jax.metrics.appearance.rim import inside

SHARE = 8  # the frame is as wide as an eighth of the image's height and width
LEVELS = (0, 128, 255)


def frame(pair: FusedPair) -> Observations:
    """Mean |difference| that a frame of 0, of 128 and of 255 around both sources makes inside, in levels of 255.

    The frame is an eighth of the height and of the width on each side. The 32 pixels next to it are left out. Lower is
    better; a rule that looks at most 32 pixels far has 0. A fuser that measures an exposure measures it anew on the
    framed pair: a frame must not change it.
    """
    within = inside(*pair.infrared.shape)
    if pair.fuse is None or within is None:
        return UNDEFINED
    rows, columns = (max(1, length // SHARE) for length in pair.infrared.shape)
    whole = pair.fused_again.astype(np.float64)
    height, width = pair.infrared.shape
    changes = []
    for level in LEVELS:
        framed = pair.fuse(*(_framed(image, rows, columns, level) for image in pair.eight_bit))
        change = np.abs(framed[rows : rows + height, columns : columns + width] - whole)
        changes.append(change[within].mean())
    return np.array(changes)


def _framed(image: UInt8[np.ndarray, "h w c"], rows: int, columns: int, level: int) -> UInt8[np.ndarray, "H W c"]:
    return np.pad(image, ((rows, rows), (columns, columns), (0, 0)), constant_values=level)


MEASURES = (
    Measure(
        "frame",
        frame,
        "mean |difference| that a frame (an eighth of the size; 0, 128, 255) makes inside, 32 pixels and more away",
        "down",
        "folders of images, sides under 65 pixels",
        unit="levels",
    ),
)
