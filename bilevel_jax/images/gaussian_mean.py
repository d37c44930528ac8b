"""Gaussian means of any width, at a cost that does not grow with the width.

NumPy arrays give NumPy arrays; JAX arrays give JAX arrays and have gradients.
"""

import functools
from typing import TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float64, Num

ArrayT = TypeVar("ArrayT", np.ndarray, jax.Array)

REACH = 4  # sigmas: where the window ends
NARROW = 2.0  # pixels: largest sigma whose window is summed pixel by pixel
POINTS = 6  # points for each sigma at which a wide mean is computed


def gaussian_mean(images: Float[ArrayT, "*batch h w 1"], sigma: float) -> Float[ArrayT, "*batch h w 1"]:
    """Returns the mean around each pixel, weighted by a Gaussian of `sigma` pixels that ends at 4 sigma.

    At the border the window is cut and its weights are scaled to sum to 1, so a constant image does not change. A wide
    mean is computed at 6 points for each sigma and interpolated between them by cubic polynomials: that differs from
    the exact mean of an image in [0, 1] by less than 1e-4, which is less than a fortieth of an 8-bit level.

    Raises ValueError where `sigma` is not positive.
    """
    if sigma <= 0:
        raise ValueError(f"sigma is {sigma}; expected a positive number of pixels.")
    plane = images[..., 0]
    if isinstance(plane, np.ndarray) and sigma <= NARROW:
        by_columns = _shifted_sums(plane.swapaxes(-2, -1), sigma).swapaxes(-2, -1)
        return _shifted_sums(by_columns, sigma)[..., None]
    rows, columns = (_matrices(length, float(sigma)) for length in plane.shape[-2:])
    for matrix in rows:
        plane = _product(matrix.astype(plane.dtype), plane)
    for matrix in columns:
        plane = _product(plane, matrix.T.astype(plane.dtype))
    return plane[..., None]


def _product(left: ArrayT | np.ndarray, right: ArrayT | np.ndarray) -> ArrayT:
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return cast(ArrayT, left @ right)
    # The reduced precision of an accelerator's product would show in differences of images.
    return jnp.matmul(left, right, precision=jax.lax.Precision.HIGHEST)


def _shifted_sums(plane: Float[np.ndarray, "*batch n"], sigma: float) -> Float[np.ndarray, "*batch n"]:
    """The means along the last axis, as a sum of shifted images: for few shifts that costs less than a product."""
    reach, length = int(np.ceil(REACH * sigma)), plane.shape[-1]
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(plane, [(0, 0)] * (plane.ndim - 1) + [(reach, reach)])
    total = np.zeros_like(padded[..., :length])
    for shift, weight in enumerate(weights):
        total += float(weight) * padded[..., shift : shift + length]
    inside = np.convolve(np.ones(length), weights, "full")[reach : reach + length]
    return total / inside.astype(plane.dtype)


@functools.lru_cache(maxsize=64)
def _matrices(length: int, sigma: float) -> list[np.ndarray]:
    """The matrices that are applied along one axis: the means at all pixels, or at few points and an interpolation."""
    count = max(4, int(np.ceil((length - 1) * POINTS / sigma)) + 1)
    if count >= length:
        return [gaussian_weights(np.arange(length), length, sigma)]
    return [gaussian_weights(np.linspace(0, length - 1, count), length, sigma), _cubic(length, count)]


def gaussian_weights(centres: Num[np.ndarray, " n"], length: int, sigma: float) -> Float64[np.ndarray, "n length"]:
    """Returns the weight of each pixel of a row in the mean around each centre; those of a centre sum to 1.

    Args:
        centres: places in the row, in pixels; 0 = the first pixel.
        length: number of pixels of the row.
        sigma: of the Gaussian, in pixels.
    """
    offsets = centres[:, None] - np.arange(length)
    weights = np.where(np.abs(offsets) <= np.ceil(REACH * sigma), np.exp(-0.5 * (offsets / sigma) ** 2), 0.0)
    return weights / weights.sum(axis=1, keepdims=True)


def _cubic(length: int, count: int) -> Float64[np.ndarray, "length count"]:
    """Interpolates `count` points from the first to the last pixel: each pixel by the cubic of the nearest 4 points."""
    place = np.arange(length) * (count - 1) / (length - 1)
    first = np.clip(np.floor(place).astype(int) - 1, 0, count - 4)
    matrix = np.zeros((length, count))
    for node in range(4):
        # Lagrange's polynomial: 1 at this node, 0 at the other three.
        factors = [(place - first - other) / (node - other) for other in range(4) if other != node]
        matrix[np.arange(length), first + node] = np.prod(factors, axis=0)
    return matrix
