"""Saturation: whether the colours of the visible image are kept."""

import numpy as np
from jaxtyping import Float64

from bilevel_jax.images.color import CHROMA_CENTRE, rgb_to_ycbcr
from bilevel_jax.metrics.appearance.measure import UNDEFINED, Measure, Observations
from bilevel_jax.metrics.appearance.pair import FusedPair

GREY = 2.0  # levels: a visible image of less mean chroma is grey; JPEG alone tints grey pictures by about one level


def saturation(pair: FusedPair) -> Observations:
    """Mean chroma of the fused over that of the visible image; 1 is best.

    Chroma is the length of (Cb, Cr) in full-range BT.601.
    """
    visible = _chroma(pair.visible)
    return np.array([_chroma(pair.fused) / visible]) if visible >= GREY else UNDEFINED


def _chroma(image: Float64[np.ndarray, "h w 3"]) -> float:
    """The mean chroma in levels of 255."""
    chroma = rgb_to_ycbcr(image / 255.0)[..., 1:] - CHROMA_CENTRE
    return float(255.0 * np.hypot(chroma[..., 0], chroma[..., 1]).mean())


MEASURES = (
    Measure(
        "saturation",
        saturation,
        "mean chroma (length of Cb, Cr) of the fused over that of the visible image",
        "one",
        "a visible image of less than 2 levels of chroma",
    ),
)
