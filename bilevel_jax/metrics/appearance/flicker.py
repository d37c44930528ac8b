"""Flicker: whether the brightness of a video jumps where its sources are steady."""

import numpy as np

from bilevel_jax.metrics.appearance.measure import UNDEFINED, Measure, Observations
from bilevel_jax.metrics.appearance.pair import FusedPair


def flicker(pair: FusedPair) -> Observations:
    """Change of the fused mean since the frame before, beyond the larger change of the sources; lower is better.

    In levels of 255, at least 0.
    """
    if pair.previous is None:
        return UNDEFINED
    infrared, visible, fused = (abs(now - before) for now, before in zip(pair.means, pair.previous, strict=True))
    return np.array([max(fused - max(infrared, visible), 0.0)])


MEASURES = (
    Measure(
        "flicker",
        flicker,
        "change of the fused mean between neighbouring frames, beyond the larger of the sources'",
        "down",
        "frames without a neighbour",
        unit="levels",
    ),
)
