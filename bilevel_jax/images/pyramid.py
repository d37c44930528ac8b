"""The Laplacian pyramid of Burt and Adelson: an image as details of one size each, and a small base.

Burt and Adelson, "The Laplacian pyramid as a compact image code", IEEE Trans. Communications 1983, with their kernel
(1, 4, 6, 4, 1) / 16 (a = 3/8). The image is mirrored about its outermost pixels, so a constant image has no details.
NumPy arrays give NumPy arrays; JAX arrays give JAX arrays and have gradients.
"""

import itertools
from typing import Any, TypeVar, cast

import jax
import numpy as np
from jaxtyping import Float

from bilevel_jax.images.namespace import namespace

ArrayT = TypeVar("ArrayT", np.ndarray, jax.Array)

LEVELS = 5
_KERNEL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def laplacian_pyramid(
    images: Float[ArrayT, "*batch h w c"], levels: int = LEVELS
) -> tuple[list[ArrayT], Float[ArrayT, "*batch h2 w2 c"]]:
    """Splits images of any size into `levels` details, finest first, and a base: equations 1 to 3.

    Details have the sizes H x W, ceil(H/2) x ceil(W/2), ...; the base is `levels` halvings smaller than the image.
    `from_laplacian_pyramid` is the exact inverse, up to rounding of the floats. Raises ValueError for negative levels.
    """
    if levels < 0:
        raise ValueError(f"levels is {levels}; expected 0 or more.")
    sizes = halvings(images, levels)
    details = [larger - double(smaller, *larger.shape[-3:-1]) for larger, smaller in itertools.pairwise(sizes)]
    return details, sizes[-1]


def from_laplacian_pyramid(
    details: list[ArrayT], base: Float[ArrayT, "*batch h2 w2 c"]
) -> Float[ArrayT, "*batch h w c"]:
    """Returns the images whose `laplacian_pyramid` is (`details`, `base`): equation 4."""
    images = base
    for detail in reversed(details):
        images = double(images, *detail.shape[-3:-1]) + detail
    return images


def halve(images: Float[ArrayT, "*batch h w c"]) -> Float[ArrayT, "*batch h2 w2 c"]:
    """REDUCE: blurs the images and takes every second pixel, which gives ceil(H/2) x ceil(W/2) pixels."""
    for axis in (-3, -2):
        length = images.shape[axis]
        padded = images.take(_mirrored(length), axis=axis)
        taps = [_part(padded, axis, slice(tap, tap + length, 2)) for tap in range(5)]
        # The type of sum allows for the int 0, which is the sum of no taps.
        images = cast(ArrayT, sum(weight * tap for weight, tap in zip(_KERNEL, taps, strict=True)))
    return images


def halvings(images: Float[ArrayT, "*batch h w c"], count: int) -> list[ArrayT]:
    """Returns the images, their half, its half and so on, `count` halvings in all; jit shares them with a pyramid."""
    sizes = [images]
    for _ in range(count):
        sizes.append(halve(sizes[-1]))
    return sizes


def double(images: Float[ArrayT, "*batch h2 w2 c"], height: int, width: int) -> Float[ArrayT, "*batch h w c"]:
    """EXPAND: interpolates images of ceil(height/2) x ceil(width/2) pixels to height x width.

    Raises ValueError where the images have another size.
    """
    given = images.shape[-3:-1]
    if given != (-(-height // 2), -(-width // 2)):
        raise ValueError(f"{given[0]} x {given[1]} pixels are not half of {height} x {width}.")
    space = namespace(images)
    for axis, length in ((-3, height), (-2, width)):
        # Even pixels of the larger image blend a known pixel with both neighbours; odd ones are the mean of two.
        padded = images.take(_mirrored(length)[::2] // 2, axis=axis)
        count = images.shape[axis]
        before, here, after = (_part(padded, axis, slice(start, start + count)) for start in range(3))
        even, odd = (before + 6 * here + after) / 8, (here + after) / 2
        shape = list(images.shape)
        shape[axis] *= 2
        # The new axis of the (even, odd) pair goes behind the axis that grows.
        woven = space.stack([even, odd], axis=images.ndim + axis + 1).reshape(shape)
        images = _part(woven, axis, slice(0, length))
    return images


def _mirrored(length: int) -> np.ndarray:
    """The places -2 ... length + 1; those outside are mirrored about the first and the last pixel."""
    return np.pad(np.arange(length), 2, mode="reflect")


def _part(images: ArrayT, axis: int, part: slice) -> ArrayT:
    """A slice along an axis that is counted from the end."""
    place: tuple[Any, ...] = (..., part, *[slice(None)] * (-axis - 1))
    return images[place]
