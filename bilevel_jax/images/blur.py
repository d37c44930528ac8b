"""Gaussian blur as two matrix products: on a CPU much faster than a convolution of one channel."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np


def gaussian_blur(images: jax.Array, sigma: float) -> jax.Array:
    """Returns `images` [B, H, W, C] blurred by a Gaussian of `sigma` pixels, of the same shape.

    At the border the window is cut and its weights scaled to sum 1, so a constant image stays as it is.
    Raises ValueError where `sigma` is not positive.
    """
    chex.assert_rank(images, 4)
    if sigma <= 0:
        raise ValueError(f"sigma is {sigma}, expected a positive number of pixels")
    rows, columns = _weights(images.shape[1], sigma), _weights(images.shape[2], sigma)
    return jnp.einsum("ih,bhwc,jw->bijc", rows, images, columns, precision=jax.lax.Precision.HIGHEST)


@functools.cache
def _weights(length: int, sigma: float) -> np.ndarray:
    """[length, length] float32: row i holds the weights of the pixels around pixel i."""
    offsets = np.arange(length)[:, None] - np.arange(length)[None, :]
    weights = np.where(np.abs(offsets) <= np.ceil(4 * sigma), np.exp(-0.5 * (offsets / sigma) ** 2), 0.0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
