"""Gamut: how many pixels lose their colour because a channel would leave the range of the file."""

import numpy as np
from jaxtyping import Bool, Float64

from bilevel_jax.metrics.appearance.measure import UNDEFINED, Measure, Observations
from bilevel_jax.metrics.appearance.pair import FusedPair

COLORED = 16.0  # levels


def gamut(pair: FusedPair) -> Observations:
    """Share of the pixels that were clipped, in [0, 1]; lower is better.

    It is measured on the finished picture, so that a folder of images and a fuser are judged alike: a pixel counts
    where the fused image has a channel at 0 or 255, and the visible one has a colour (channels at least 16 levels
    apart) and no channel at a limit. Nearly black and nearly grey pixels have no colour that an eye would miss.
    """
    red, green, blue = np.moveaxis(pair.visible, -1, 0)
    apart = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    colored = apart >= COLORED
    if not colored.any():
        return UNDEFINED
    return np.array([(colored & ~_at_a_limit(pair.visible) & _at_a_limit(pair.fused)).mean()])


def _at_a_limit(image: Float64[np.ndarray, "h w 3"]) -> Bool[np.ndarray, "h w"]:
    beyond = (image <= 0.0) | (image >= 255.0)
    return np.asarray(beyond[..., 0] | beyond[..., 1] | beyond[..., 2])  # ten times as fast as any(axis=-1)


MEASURES = (
    Measure(
        "gamut",
        gamut,
        "share of the pixels with a fused channel at 0 or 255 where the visible one has a colour (channels >= 16 "
        "levels apart) and no such channel",
        "down",
        "a visible image without a colour",
    ),
)
