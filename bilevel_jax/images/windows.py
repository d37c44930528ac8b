"""Sums under a separable window at every place where it fits, as products with banded matrices."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def windowed(
    images: Float[Array, "*batch h w c"], window: Float[np.ndarray, " n"], stride: int = 1
) -> Float[Array, "*batch h2 w2 c"]:
    """Returns the sum of the images under a separable window, at every place where the window fits.

    Two products with banded matrices are much faster on a CPU than convolutions or sums of shifted copies, forward and
    backward: docs/results/cost.md has the measurements.

    Args:
        images: [..., H, W, C]. Stack all the images that one formula needs, and call this once.
        window: the n weights along either axis; n is at most H and W.
        stride: 2 takes every second place along each axis, the first one included.

    Returns:
        [..., (H - n) // stride + 1, (W - n) // stride + 1, C].

    Raises:
        ValueError: the window does not fit.
    """
    chex.assert_rank(window, 1)
    height, width = images.shape[-3:-1]
    if min(height, width) < len(window):
        raise ValueError(f"a window of {len(window)} pixels does not fit into an image of {height} x {width}.")
    weights = tuple(float(weight) for weight in window)
    rows, columns = _band(height, weights, stride), _band(width, weights, stride)
    # Variances are differences of such sums, so the reduced precision of an accelerator's matmul is not enough.
    return jnp.einsum("ih,...hwc,jw->...ijc", rows, images, columns, precision=jax.lax.Precision.HIGHEST)


@functools.cache
def _band(length: int, weights: tuple[float, ...], stride: int) -> Float[np.ndarray, "places length"]:
    """Each row holds the window at one place, as float32."""
    band = np.zeros(((length - len(weights)) // stride + 1, length), np.float32)
    for row in range(len(band)):
        band[row, row * stride : row * stride + len(weights)] = weights
    return band
