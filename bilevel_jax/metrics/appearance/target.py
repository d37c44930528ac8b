"""Target: whether an object stands out from its surroundings as it does in the better source."""

import numpy as np
from jaxtyping import Float64

from bilevel_jax.metrics.appearance.measure import UNDEFINED, Measure, Observations
from bilevel_jax.metrics.appearance.pair import FusedPair
from bilevel_jax.metrics.appearance.regions import Region, regions

ENOUGH = 40.0  # levels: more contrast than this is not asked for
LEAST = 1.0  # level: an object with less contrast in both sources cannot be seen in either
WEAK = 0.5


def target(pair: FusedPair) -> Observations:
    """Contrast kept of each box: |box - ring| of the fused luma over min(the larger of the sources', 40 levels).

    The ring is the box grown by a quarter of its size on each side (at least 2 pixels), less all boxes. A box without
    a ring, or with less than 1 level of contrast in both sources, does not count. Higher is better.
    """
    if pair.boxes is None:
        return UNDEFINED
    kept = []
    for region in regions(pair.boxes, *pair.infrared.shape):
        if region.ring.any():
            source = max(_contrast(image, region) for image in (pair.infrared, pair.visible_gray))
            if source >= LEAST:
                kept.append(_contrast(pair.fused_gray, region) / min(source, ENOUGH))
    return np.array(kept, np.float64)


def weak(pair: FusedPair) -> Observations:
    """1 for each box that keeps less than half of the contrast of `target`, 0 for the other boxes; lower is better."""
    return (target(pair) < WEAK).astype(np.float64)


def _contrast(image: Float64[np.ndarray, "h w"], region: Region) -> float:
    return abs(float(image[region.box].mean() - image[region.window][region.ring].mean()))


_NO_BOXES = "no boxes, boxes with less than 1 level of contrast in both sources"
MEASURES = (
    Measure(
        "target",
        target,
        "|box - ring| of the fused luma over min(the larger of the sources', 40 levels); the ring is the box grown by "
        "half its size, less all boxes",
        "up",
        _NO_BOXES,
    ),
    Measure("weak", weak, "share of the boxes whose target is below 0.5", "down", _NO_BOXES),
)
