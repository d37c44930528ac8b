"""Automatic exposure, which brightens dim infrared images before fusion.

NumPy arrays give NumPy arrays; JAX arrays give JAX arrays.
"""

from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from bilevel_jax.images.namespace import namespace
from bilevel_jax.images.pyramid import halve
from bilevel_jax.images.sums import image_means

ArrayT = TypeVar("ArrayT", np.ndarray, jax.Array)

KEY = 0.3  # mean that a dim image is brightened to
HIGHLIGHTS = 0.99  # share of the pixels that must stay within the range
LEAST = 1e-3  # least mean and least highlight that the gain is computed from: a quarter of an 8-bit level
MOST = 4.0  # maximum gain where the caller names none


def expose(infrared: Float[ArrayT, "*batch h w 1"], most: float = MOST) -> Float[ArrayT, "*batch h w 1"]:
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
    if most == 1:
        return infrared
    images = infrared.reshape(-1, *infrared.shape[-3:])
    small = halve(halve(images))  # so that single hot or noisy pixels do not count
    pixels = small.reshape(small.shape[0], -1).astype(np.float32)
    if isinstance(infrared, np.ndarray):
        means = images.reshape(images.shape[0], -1).mean(axis=1, dtype=np.float32)
        factor = _gain(means, np.quantile(pixels, HIGHLIGHTS, axis=1), most).astype(infrared.dtype)
        return np.minimum(factor[:, None, None, None] * images, 1.0).reshape(infrared.shape)
    highlights = jnp.quantile(pixels, HIGHLIGHTS, axis=1)
    means = image_means(images.astype(jnp.float32))
    factor = jax.lax.stop_gradient(_gain(means, highlights, most)).astype(infrared.dtype)
    return jnp.minimum(factor[:, None, None, None] * images, 1.0).reshape(infrared.shape)


def _gain(means: Float[ArrayT, " b"], highlights: Float[ArrayT, " b"], most: float) -> Float[ArrayT, " b"]:
    space = namespace(means)
    return space.clip(
        space.minimum(KEY / space.maximum(means, LEAST), 1.0 / space.maximum(highlights, LEAST)), 1.0, most
    )
