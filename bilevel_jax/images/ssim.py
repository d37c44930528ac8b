"""Structural similarity as a differentiable function of two image batches."""

import chex
import jax
import jax.numpy as jnp
import numpy as np

from bilevel_jax.images.sums import image_means
from bilevel_jax.images.windows import windowed

WINDOW_SIZE = 11
WINDOW_SIGMA = 1.5


def gaussian_window(size: int = WINDOW_SIZE, sigma: float = WINDOW_SIGMA) -> np.ndarray:
    """Returns the [size] float64 Gaussian weights of the window along one axis, which sum to 1."""
    offsets = np.arange(size) - (size - 1) / 2
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    return weights / weights.sum()


def ssim_map(a: jax.Array, b: jax.Array, max_val: float = 1.0) -> jax.Array:
    """Returns the local structural similarity [B,H-10,W-10,C] of `a` and `b` [B,H,W,C] in [0, max_val].

    The window is 11 x 11, Gaussian with sigma 1.5, at the places where it lies wholly inside the image ("valid").
    Raises ValueError where a side is under 11 pixels, AssertionError where the shapes differ.
    Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity",
    IEEE TIP 2004, equation 13, K1 = 0.01, K2 = 0.03.
    """
    chex.assert_rank([a, b], 4)
    chex.assert_equal_shape([a, b])
    height, width = a.shape[1:3]
    if min(height, width) < WINDOW_SIZE:
        raise ValueError(f"SSIM's window of {WINDOW_SIZE} pixels does not fit into an image of {height} x {width}.")
    c1, c2 = (0.01 * max_val) ** 2, (0.03 * max_val) ** 2
    # On an axis of their own: along the batch axis the images of a batch that is split over devices would travel.
    moments = windowed(jnp.stack([a, b, a * a + b * b, a * b], axis=1), gaussian_window())
    mean_a, mean_b, squares, product = (moments[:, i] for i in range(4))
    mean_product, mean_squares = mean_a * mean_b, mean_a * mean_a + mean_b * mean_b
    # SSIM needs the two variances only as their sum, which saves one of the five blurs.
    luminance = (2 * mean_product + c1) / (mean_squares + c1)
    return luminance * (2 * (product - mean_product) + c2) / (squares - mean_squares + c2)


def ssim(a: jax.Array, b: jax.Array, max_val: float = 1.0) -> jax.Array:
    """Returns the mean structural similarity [B] of each pair of images in `a` and `b` [B,H,W,C] in [0, max_val]."""
    return image_means(ssim_map(a, b, max_val))
