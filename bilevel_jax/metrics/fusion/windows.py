"""Windows that slide over an image: Gaussian weights, and the Sobel operator."""

import jax
import jax.numpy as jnp
import numpy as np

from bilevel_jax.metrics.fusion.extent import Size, bordered


def weighted_windows(image: jax.Array, window: np.ndarray, stride: int = 1) -> jax.Array:
    """Sums under a separable, symmetric window where it fits: [..., H, W] -> [..., H-n+1, W-n+1].

    As sums of shifted copies: 8 images of 512 x 640 in float64 under 17 x 17 take 11 ms so and 113 ms as products with
    banded matrices (2 cores of a server CPU, 2026-11-22). Give it a stack of all the images that one sum needs: from
    single images XLA joins both passes with that sum, and computes the first anew for each weight of the second.

    Args:
        image: float [..., H, W], sides not under n.
        window: [n], n odd, the weights along either axis.
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


def sobel(image: jax.Array, size: Size, border: str) -> tuple[jax.Array, jax.Array]:
    """The Sobel operator's differences to the right and downwards: two of [..., H, W].

    Args:
        image: [..., H, W].
        size: of the image in its array.
        border: as `bordered` takes it.
    """
    wide = bordered(image, size, border)
    height, width = image.shape[-2:]
    pixel = lambda i, j: wide[..., i : i + height, j : j + width]
    right = pixel(0, 2) - pixel(0, 0) + 2 * (pixel(1, 2) - pixel(1, 0)) + pixel(2, 2) - pixel(2, 0)
    down = pixel(2, 0) - pixel(0, 0) + 2 * (pixel(2, 1) - pixel(0, 1)) + pixel(2, 2) - pixel(0, 2)
    return right, down


def magnitude(x: jax.Array, y: jax.Array) -> jax.Array:
    """sqrt(x^2 + y^2)."""
    return jnp.sqrt(x * x + y * y)
