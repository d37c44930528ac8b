"""Where an infrared image is hotter than its surroundings, as a soft mask."""

import chex
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.images.blur import gaussian_blur

SURROUNDINGS = 0.12  # standard deviation of the surroundings' mean, as a share of the image's shorter side
HOTTEST = 0.995  # share of the pixels at or below the mask's full height
LEAST = 0.05  # least full height, so that noise of a uniform image stays faint


def heat_mask(infrared: Float[Array, "b h w 1"]) -> Float[Array, "b h w 1"]:
    """Returns how much hotter each pixel is than its surroundings, in [0, 1].

    It is the infrared image less its Gaussian mean (sigma: 0.12 of the shorter side), positive part, over its 99.5th
    percentile (at least 0.05), clipped at 1.

    Args:
        infrared: images in [0, 1].
    """
    chex.assert_rank(infrared, 4)
    surroundings = gaussian_blur(infrared, SURROUNDINGS * min(infrared.shape[1:3]))
    excess = jnp.maximum(infrared - surroundings, 0.0)
    full = jnp.quantile(excess.reshape(excess.shape[0], -1), HOTTEST, axis=1)
    return jnp.minimum(excess / jnp.maximum(full, LEAST)[:, None, None, None], 1.0)


def show_heat(visible: Float[Array, "b h w 1"], infrared: Float[Array, "b h w 1"]) -> Float[Array, "b h w 1"]:
    """Returns the visible luminance L with hot targets brightened: L + 0.7 h (1 - L), h the heat mask, in [0, 1].

    Args:
        visible: luminance L in [0, 1].
        infrared: images in [0, 1].
    """
    chex.assert_equal_shape([visible, infrared])
    return visible + 0.7 * heat_mask(infrared) * (1.0 - visible)
