"""The rule `heat`: what is warmer than its surroundings brightens the visible image."""

import jax
import numpy as np
from jaxtyping import Float

from bilevel_jax.images.gaussian_mean import gaussian_mean
from bilevel_jax.images.namespace import namespace
from bilevel_jax.images.trivial_fusion.rule import ArrayT, TrivialMethod

SURROUNDINGS = 0.12  # of the shorter side: sigma of the mean that warm things are compared with
QUANTILE = 0.995  # of the pixels' warmth: counts as full heat, so that single hot pixels do not set the scale
LEAST_PEAK = 0.05  # least warmth that counts as full heat: noise of an image without warm things must not be one
GLOW = 0.7  # share of the way to white that full heat goes


def heat_mask(infrared: Float[ArrayT, "*batch h w 1"]) -> Float[ArrayT, "*batch h w 1"]:
    """Returns how much warmer than its surroundings each pixel is, in [0, 1].

    The infrared image less its Gaussian mean (sigma = 0.12 of the shorter side), positive part, over the 99.5th
    percentile of that part (at least 0.05), clipped at 1. Gradients treat the percentile as a constant.

    Args:
        infrared: images in [0, 1].
    """
    space = namespace(infrared)
    above = space.maximum(infrared - gaussian_mean(infrared, SURROUNDINGS * min(infrared.shape[-3:-1])), 0.0)
    fixed = above if isinstance(above, np.ndarray) else jax.lax.stop_gradient(above)
    peak = space.maximum(space.quantile(fixed, QUANTILE, axis=(-3, -2, -1), keepdims=True), LEAST_PEAK)
    return space.minimum(above / peak.astype(infrared.dtype), 1.0)


def heat(
    infrared: Float[ArrayT, "*batch h w 1"], visible: Float[ArrayT, "*batch h w 1"]
) -> Float[ArrayT, "*batch h w 1"]:
    """Returns L + 0.7 h (1 - L): the visible luminance L, brightened where `heat_mask` h sees warm things.

    The result is nowhere darker than the visible image, and it stays in [0, 1].
    """
    return visible + GLOW * heat_mask(infrared) * (1.0 - visible)


HEAT = TrivialMethod(heat, "the visible image, brightened where something is warmer than its surroundings")
