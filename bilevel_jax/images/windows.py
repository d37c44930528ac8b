"""Sums under a separable window at its valid places, as products with banded matrices."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np


def windowed(images: jax.Array, window: np.ndarray, stride: int = 1) -> jax.Array:
    """Returns `images` [...,H,W,C] weighted by a window where it fits: [...,(H-n)//stride+1,(W-n)//stride+1,C].

    SSIM of 8 pairs of 96 x 96, forward + backward, on a 2-core CPU (2026-11-22): 2.6 ms so, 6.2 ms as sums of shifted
    copies, 47 ms as two 1-D convolutions; 4 pairs of 240 x 240: 13, 57 and 170 ms. Shifted copies are faster alone,
    also back with a transpose of their own, but XLA joins them with what uses them and computes them anew each time.

    Args:
        images: float; give it a stack of all the images that one sum needs.
        window: [n], n at most H and W: the weights along either axis.
        stride: 2 takes every second place along each axis, the first one included.

    Raises:
        ValueError: the window does not fit.
    """
    chex.assert_rank(window, 1)
    height, width = images.shape[-3:-1]
    if min(height, width) < len(window):
        raise ValueError(f"a window of {len(window)} pixels does not fit into an image of {height} x {width}.")
    weights = tuple(float(weight) for weight in window)
    rows, columns = _band(height, weights, stride), _band(width, weights, stride)
    # Variances are differences of such sums: the reduced precision of an accelerator's matmul will not do.
    return jnp.einsum("ih,...hwc,jw->...ijc", rows, images, columns, precision=jax.lax.Precision.HIGHEST)


@functools.cache
def _band(length: int, weights: tuple[float, ...], stride: int) -> np.ndarray:
    """[places, length] float32: each row holds the window at one place."""
    band = np.zeros(((length - len(weights)) // stride + 1, length), np.float32)
    for row in range(len(band)):
        band[row, row * stride : row * stride + len(weights)] = weights
    return band
