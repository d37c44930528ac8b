"""The Laplacian pyramid of Burt and Adelson: an image as details of one size each and a small base.

Burt and Adelson, "The Laplacian pyramid as a compact image code", IEEE Trans. Communications 1983, with their kernel
(1, 4, 6, 4, 1) / 16 (a = 3/8) and the image mirrored about its outermost pixels, so that a constant image has no
details. Numpy for numpy, a jax array (and its gradient) for a jax array.
"""

from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

Array = TypeVar("Array", np.ndarray, jax.Array)

LEVELS = 5
_KERNEL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def laplacian_pyramid(images: Array, levels: int = LEVELS) -> tuple[list[Array], Array]:
    """Splits `images` [..., H, W, C] of any size into details, finest first, and the base (equations 1 to 3).

    Details have the sizes H x W, ceil(H/2) x ceil(W/2), ...; the base is `levels` halvings small. ValueError where
    `levels` is negative. `from_laplacian_pyramid` is the exact inverse, up to rounding of the floats.
    """
    if levels < 0:
        raise ValueError(f"levels is {levels}, expected 0 or more")
    details = []
    for _ in range(levels):
        smaller = halve(images)
        details.append(images - double(smaller, *images.shape[-3:-1]))
        images = smaller
    return details, images


def from_laplacian_pyramid(details: list[Array], base: Array) -> Array:
    """The images [..., H, W, C] of `laplacian_pyramid`'s two results (equation 4)."""
    images = base
    for detail in reversed(details):
        images = double(images, *detail.shape[-3:-1]) + detail
    return images


def halve(images: Array) -> Array:
    """REDUCE: blurs `images` [..., H, W, C] and takes every second pixel, [..., ceil(H/2), ceil(W/2), C]."""
    for axis in (-3, -2):
        length = images.shape[axis]
        padded = images.take(_mirrored(length), axis=axis)
        taps = [_part(padded, axis, slice(tap, tap + length, 2)) for tap in range(5)]
        images = sum(weight * tap for weight, tap in zip(_KERNEL, taps, strict=True))
    return images


def double(images: Array, height: int, width: int) -> Array:
    """EXPAND: `images` [..., ceil(height/2), ceil(width/2), C] interpolated to [..., height, width, C].

    Raises ValueError where the sizes do not belong together.
    """
    given = images.shape[-3:-1]
    if given != (-(-height // 2), -(-width // 2)):
        raise ValueError(f"{given[0]} x {given[1]} pixels are no half of {height} x {width}")
    space = np if isinstance(images, np.ndarray) else jnp
    for axis, length in ((-3, height), (-2, width)):
        # Every second pixel of the mirrored larger image is known: itself on even places, its neighbours' mean on odd.
        padded = images.take(_mirrored(length)[::2] // 2, axis=axis)
        count = images.shape[axis]
        before, here, after = (_part(padded, axis, slice(start, start + count)) for start in range(3))
        even, odd = (before + 6 * here + after) / 8, (here + after) / 2
        shape = list(images.shape)
        shape[axis] *= 2
        # The new axis of the pair goes behind the one that grows.
        woven = space.stack([even, odd], axis=images.ndim + axis + 1).reshape(shape)
        images = _part(woven, axis, slice(0, length))
    return images


def _mirrored(length: int) -> np.ndarray:
    """The places -2 ... length + 1, those outside mirrored about the first and the last."""
    return np.pad(np.arange(length), 2, mode="reflect")


def _part(images: Array, axis: int, part: slice) -> Array:
    return images[(..., part, *[slice(None)] * (-axis - 1))]
