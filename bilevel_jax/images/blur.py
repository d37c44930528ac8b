"""Gaussian blur as two matrix products, which a CPU computes much faster than a convolution of one channel."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from bilevel_jax.images.gaussian_mean import gaussian_weights


def gaussian_blur(images: Float[Array, "b h w c"], sigma: float) -> Float[Array, "b h w c"]:
    """Returns the images blurred by a Gaussian of `sigma` pixels.

    At the border the window is cut and its weights are scaled to sum to 1, so a constant image does not change.
    Raises ValueError where `sigma` is not positive.
    """
    chex.assert_rank(images, 4)
    if sigma <= 0:
        raise ValueError(f"sigma is {sigma}, expected a positive number of pixels")
    rows, columns = _weights(images.shape[1], sigma), _weights(images.shape[2], sigma)
    return jnp.einsum("ih,bhwc,jw->bijc", rows, images, columns, precision=jax.lax.Precision.HIGHEST)


@functools.cache
def _weights(length: int, sigma: float) -> Float[np.ndarray, "length length"]:
    """Row i holds the weights of the pixels around pixel i, as float32."""
    return gaussian_weights(np.arange(length), length, sigma).astype(np.float32)


def blurred(images: Float[Array, "b h w c"], sigmas: Float[Array, " b"]) -> Float[Array, "b h w c"]:
    """Returns the images, each blurred by a Gaussian of its own width, which jit may trace; borders as above.

    Args:
        images: any values.
        sigmas: in pixels, not negative; an image of width 0 does not change.
    """
    chex.assert_rank([images, sigmas], [4, 1])

    def weights(length: int) -> Array:
        offsets = jnp.arange(length)[:, None] - jnp.arange(length)[None, :]
        # A width of 1/10 pixel already gives the neighbours a weight of 1e-22.
        found = jnp.exp(-0.5 * (offsets / jnp.maximum(sigmas, 0.1)[:, None, None]) ** 2)
        return found / found.sum(axis=2, keepdims=True)

    rows, columns = weights(images.shape[1]), weights(images.shape[2])
    return jnp.einsum("bih,bhwc,bjw->bijc", rows, images, columns, precision=jax.lax.Precision.HIGHEST)
