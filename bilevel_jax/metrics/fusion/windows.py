"""Windows that slide over an image: Gaussian weights, and the Sobel operator."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.extent import Border, Size, bordered


def weighted_windows(
    image: Float[Array, "*n h w"], window: Float[np.ndarray, " k"], stride: int = 1
) -> Float[Array, "*n h-k+1 w-k+1"]:
    """Sums under a separable, symmetric window where it fits.

    They are computed as sums of shifted copies, which is faster than products with banded matrices. Give it a stack of
    all the images that one sum needs: with single images XLA joins both passes with that sum, and computes the first
    pass anew for each weight of the second.

    Args:
        image: sides of at least k pixels.
        window: k is odd; the weights along either axis.
        stride: 2 takes every second place along each axis, the first one included.
    """
    half = len(window) // 2
    for axis in (-2, -1):
        places = image.shape[axis] - len(window) + 1
        shifted = [jax.lax.slice_in_dim(image, i, i + places, stride, axis) for i in range(len(window))]
        image = float(window[half]) * shifted[half]
        for i in range(half):
            image += float(window[i]) * (shifted[i] + shifted[-1 - i])
    return image


def sobel(
    image: Float[Array, "*n h w"], size: Size, border: Border
) -> tuple[Float[Array, "*n h w"], Float[Array, "*n h w"]]:
    """The Sobel operator's differences to the right and downwards.

    Args:
        image: any range.
        size: of the image in its array.
        border: as in `bordered`.
    """
    wide = bordered(image, size, border)
    height, width = image.shape[-2:]
    pixel = lambda i, j: wide[..., i : i + height, j : j + width]
    right = pixel(0, 2) - pixel(0, 0) + 2 * (pixel(1, 2) - pixel(1, 0)) + pixel(2, 2) - pixel(2, 0)
    down = pixel(2, 0) - pixel(0, 0) + 2 * (pixel(2, 1) - pixel(0, 1)) + pixel(2, 2) - pixel(0, 2)
    return right, down


def magnitude(x: Float[Array, "*n"], y: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """sqrt(x^2 + y^2)."""
    return jnp.sqrt(x * x + y * y)
