"""Chroma and saturation: whether the colours of the visible image are kept."""

import numpy as np
from jaxtyping import Float64

from bilevel_jax.images.color import CHROMA_CENTRE, rgb_to_ycbcr
from bilevel_jax.metrics.appearance.measure import UNDEFINED, Measure, Observations
from bilevel_jax.metrics.appearance.pair import FusedPair

GREY = 2.0  # levels: a visible image of less mean chroma is grey; JPEG alone tints grey pictures by about one level
BLACK = 16.0  # levels: the chroma of darker pixels is compared with this luma, because nobody sees a colour there


def chroma(pair: FusedPair) -> Observations:
    """Mean chroma of the fused over that of the visible image; 1 is best.

    Chroma is the length of (Cb, Cr) in full-range BT.601.
    """
    visible = _chroma(pair.visible)
    return np.array([_chroma(pair.fused).mean() / visible.mean()]) if visible.mean() >= GREY else UNDEFINED


def saturation(pair: FusedPair) -> Observations:
    """Mean saturation of the fused over that of the visible image; 1 is best.

    Saturation is chroma over luma (at least 16 levels). Where chroma stays and luma rises, a colour fades to an eye:
    a red wall turns pink.
    """
    visible = _chroma(pair.visible)
    if visible.mean() < GREY:
        return UNDEFINED
    means = [
        (length / np.maximum(gray, BLACK)).mean()
        for length, gray in ((_chroma(pair.fused), pair.fused_gray), (visible, pair.visible_gray))
    ]
    return np.array([means[0] / means[1]])


def _chroma(image: Float64[np.ndarray, "h w 3"]) -> Float64[np.ndarray, "h w"]:
    """The length of (Cb, Cr) in levels of 255."""
    ycbcr = rgb_to_ycbcr(image / 255.0)
    return 255.0 * np.hypot(ycbcr[..., 1] - CHROMA_CENTRE, ycbcr[..., 2] - CHROMA_CENTRE)


_GREY = "a visible image of less than 2 levels of chroma"
MEASURES = (
    Measure("chroma", chroma, "mean length of (Cb, Cr) of the fused over that of the visible image", "one", _GREY),
    Measure(
        "saturation",
        saturation,
        "the same of chroma over luma (at least 16): a colour fades where luma rises and chroma stays",
        "one",
        _GREY,
    ),
)
