"""Automatic exposure, which brightens dim infrared images before fusion."""

import chex
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.images.pyramid import halve
from bilevel_jax.images.sums import image_means

KEY = 0.3  # mean that a dim image is brightened to
HIGHLIGHTS = 0.99  # share of the pixels that must stay within the range
LEAST = 1e-3  # least mean and least highlight that the gain is computed from: a quarter of an 8-bit level


def expose(infrared: Float[Array, "b h w 1"], most: float) -> Float[Array, "b h w 1"]:
    """Multiplies each image by one gain that brings its mean to 0.3 or its highlights to 1, whichever comes first.

    An infrared image that was written with a fixed range of temperatures can be much dimmer than the visible image
    beside it. Then even warm objects are no brighter than the texture of the visible image. The gain is at least 1, so
    a bright image does not change.

    Args:
        infrared: images in [0, 1].
        most: maximum gain, at least 1. At 1 nothing changes.

    Returns:
        The images in [0, 1]. At most one pixel in a hundred is clipped at 1. Gradients treat the gain as a constant.
    """
    chex.assert_rank(infrared, 4)
    if most == 1:
        return infrared
    small = halve(halve(infrared))  # so that single hot or noisy pixels do not count
    pixels = small.reshape(small.shape[0], -1).astype(jnp.float32)
    highlights = jnp.quantile(pixels, HIGHLIGHTS, axis=1)
    means = image_means(infrared.astype(jnp.float32))
    factor = jnp.minimum(KEY / jnp.maximum(means, LEAST), 1.0 / jnp.maximum(highlights, LEAST))
    factor = jax.lax.stop_gradient(jnp.clip(factor, 1.0, most)).astype(infrared.dtype)
    return jnp.minimum(factor[:, None, None, None] * infrared, 1.0)
