"""Cutout: whether objects turn into white shapes without detail."""

import numpy as np
from jaxtyping import Float64

from bilevel_jax.metrics.appearance.measure import UNDEFINED, Measure, Observations
from bilevel_jax.metrics.appearance.pair import FusedPair
from bilevel_jax.metrics.appearance.regions import regions

WHITE = 245.0  # levels


def cutout(pair: FusedPair) -> Observations:
    """Share of the pixels of each box with a fused luma >= 245, beyond the larger of the sources' shares.

    In [0, 1]; lower is better.
    """
    if pair.boxes is None:
        return UNDEFINED
    beyond = []
    for region in regions(pair.boxes, *pair.infrared.shape):
        fused, *sources = (_white(image[region.box]) for image in (pair.fused_gray, pair.infrared, pair.visible_gray))
        beyond.append(max(fused - max(sources), 0.0))
    return np.array(beyond, np.float64)


def _white(pixels: Float64[np.ndarray, "h w"]) -> float:
    return float((pixels >= WHITE).mean())


MEASURES = (
    Measure(
        "cutout",
        cutout,
        "share of a box's pixels with a luma >= 245, beyond the larger of the sources'; mean over the boxes",
        "down",
        "no boxes",
    ),
)
