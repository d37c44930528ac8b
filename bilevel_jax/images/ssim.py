"""Structural similarity as a differentiable function of two image batches."""

import chex
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from bilevel_jax.images.sums import image_means
from bilevel_jax.images.windows import windowed

WINDOW_SIZE = 11
WINDOW_SIGMA = 1.5


def gaussian_window(size: int = WINDOW_SIZE, sigma: float = WINDOW_SIGMA) -> Float[np.ndarray, " size"]:
    """Returns the Gaussian weights of the window along one axis, float64, which sum to 1; `sigma` is in pixels."""
    offsets = np.arange(size) - (size - 1) / 2
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    return weights / weights.sum()


def ssim_map(
    a: Float[Array, "b h w c"], b: Float[Array, "b h w c"], max_val: float = 1.0
) -> Float[Array, "b h-10 w-10 c"]:
    """Returns the local structural similarity of two batches of images in [0, max_val].

    The window is 11 x 11, Gaussian with sigma 1.5, at every place where it lies wholly inside the image ("valid").
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
    # The four images are stacked on a new axis. Along the batch axis, a batch that is split over devices would have to
    # move between them.
    moments = windowed(jnp.stack([a, b, a * a + b * b, a * b], axis=1), gaussian_window())
    mean_a, mean_b, squares, product = (moments[:, i] for i in range(4))
    mean_product, mean_squares = mean_a * mean_b, mean_a * mean_a + mean_b * mean_b
    # SSIM needs the two variances only as their sum, which saves one of the five blurs.
    luminance = (2 * mean_product + c1) / (mean_squares + c1)
    return luminance * (2 * (product - mean_product) + c2) / (squares - mean_squares + c2)


def ssim(a: Float[Array, "b h w c"], b: Float[Array, "b h w c"], max_val: float = 1.0) -> Float[Array, " b"]:
    """Returns the mean structural similarity of each pair of images in [0, max_val]; raises as `ssim_map` does."""
    return image_means(ssim_map(a, b, max_val))
