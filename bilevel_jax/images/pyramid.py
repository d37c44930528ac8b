"""The Laplacian pyramid of Burt and Adelson: an image as details of one size each, and a small base.

Burt and Adelson, "The Laplacian pyramid as a compact image code", IEEE Trans. Communications 1983, with their kernel
(1, 4, 6, 4, 1) / 16 (a = 3/8). The image is mirrored about its outermost pixels, so a constant image has no details.
NumPy arrays give NumPy arrays; JAX arrays give JAX arrays and have gradients.

With `extent`, a height and a width in pixels that may be traced, the images are their upper left part of that size:
they are mirrored about its last row and column. The pixels beyond it have no meaning, before and after. So one
compiled program serves images of many sizes.
"""

import itertools
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.export import is_symbolic_dim
from jaxtyping import Bool, Float, Int

from bilevel_jax.images.namespace import namespace

ArrayT = TypeVar("ArrayT", np.ndarray, jax.Array)

Extent = Int[jax.Array, "2"]

LEVELS = 5
_KERNEL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def laplacian_pyramid(
    images: Float[ArrayT, "*batch h w c"], levels: int = LEVELS, extent: Extent | None = None
) -> tuple[list[ArrayT], Float[ArrayT, "*batch h2 w2 c"]]:
    """Splits images of any size into `levels` details, finest first, and a base: equations 1 to 3.

    Details have the sizes H x W, ceil(H/2) x ceil(W/2), ...; the base is `levels` halvings smaller than the image.
    `from_laplacian_pyramid` is the exact inverse, up to rounding of the floats. Raises ValueError for negative levels.
    """
    if levels < 0:
        raise ValueError(f"levels is {levels}; expected 0 or more.")
    sizes, extents = halvings(images, levels, extent), halved_extents(extent, levels)
    details = [
        larger - double(smaller, *larger.shape[-3:-1], extent=own)
        for (larger, smaller), own in zip(itertools.pairwise(sizes), extents, strict=False)
    ]
    return details, sizes[-1]


def from_laplacian_pyramid(
    details: list[ArrayT], base: Float[ArrayT, "*batch h2 w2 c"], extent: Extent | None = None
) -> Float[ArrayT, "*batch h w c"]:
    """Returns the images whose `laplacian_pyramid` is (`details`, `base`): equation 4."""
    images, extents = base, halved_extents(extent, len(details))
    for size in reversed(range(len(details))):
        images = double(images, *details[size].shape[-3:-1], extent=extents[size]) + details[size]
    return images


def halved_extents(extent: Extent | None, count: int) -> list[Extent | None]:
    """Returns the extents of the images of `halvings`: `extent` and `count` halvings of it, rounded up."""
    extents = [extent]
    for _ in range(count):
        extents.append(None if extent is None else -(-cast(Extent, extents[-1]) // 2))
    return extents


def within(extent: Extent, height: int, width: int) -> Bool[jax.Array, "h w"]:
    """Whether each pixel of an image of height x width lies in its upper left part of that extent."""
    return (jnp.arange(height)[:, None] < extent[0]) & (jnp.arange(width) < extent[1])


def zeros_beyond(images: Float[jax.Array, "b h w c"], extent: Extent | None) -> Float[jax.Array, "b h w c"]:
    """Returns the images with zeros beyond their upper left part of that extent."""
    return images if extent is None else jnp.where(within(extent, *images.shape[1:3])[..., None], images, 0.0)


def halve(images: Float[ArrayT, "*batch h w c"], extent: Extent | None = None) -> Float[ArrayT, "*batch h2 w2 c"]:
    """REDUCE: blurs the images and takes every second pixel, which gives ceil(H/2) x ceil(W/2) pixels."""
    for axis in (-3, -2):
        length = images.shape[axis]
        padded = images.take(_mirrored(length, extent, axis), axis=axis)
        taps = [_part(padded, axis, slice(tap, tap + length, 2)) for tap in range(5)]
        # The type of sum allows for the int 0, which is the sum of no taps.
        images = cast(ArrayT, sum(weight * tap for weight, tap in zip(_KERNEL, taps, strict=True)))
    return images


def halvings(images: Float[ArrayT, "*batch h w c"], count: int, extent: Extent | None = None) -> list[ArrayT]:
    """Returns the images, their half, its half and so on, `count` halvings in all; jit shares them with a pyramid."""
    sizes = [images]
    for own in halved_extents(extent, count)[:count]:
        sizes.append(halve(sizes[-1], own))
    return sizes


def double(
    images: Float[ArrayT, "*batch h2 w2 c"], height: int, width: int, *, extent: Extent | None = None
) -> Float[ArrayT, "*batch h w c"]:
    """EXPAND: interpolates images of ceil(height/2) x ceil(width/2) pixels to height x width.

    `extent` is that of the result. Raises ValueError where the images have another size.
    """
    given = images.shape[-3:-1]
    if given != (-(-height // 2), -(-width // 2)):
        raise ValueError(f"{given[0]} x {given[1]} pixels are not half of {height} x {width}.")
    space = namespace(images)
    for axis, length in ((-3, height), (-2, width)):
        # Even pixels of the larger image blend a known pixel with both neighbours; odd ones are the mean of two.
        padded = images.take(_mirrored(length, extent, axis)[::2] // 2, axis=axis)
        count = images.shape[axis]
        before, here, after = (_part(padded, axis, slice(start, start + count)) for start in range(3))
        even, odd = (before + 6 * here + after) / 8, (here + after) / 2
        shape = list(images.shape)
        shape[axis] *= 2
        # The new axis of the (even, odd) pair goes behind the axis that grows.
        woven = space.stack([even, odd], axis=images.ndim + axis + 1).reshape(shape)
        images = _part(woven, axis, slice(0, length))
    return images


def _mirrored(length: int, extent: Extent | None, axis: int) -> np.ndarray | jax.Array:
    """The places -2 ... length + 1; those outside are mirrored about the first and the last pixel of axis -3 or -2.

    The length may be a symbolic dimension of `jax.export`. Then the places are computed when the program runs.
    """
    if extent is None and not is_symbolic_dim(length):
        return np.pad(np.arange(length), 2, mode="reflect")
    last = (length if extent is None else extent[axis + 3]) - 1
    place = jnp.arange(-2, length + 2) % jnp.maximum(2 * last, 1)
    # Beyond the extent and its mirror images there may be no pixel any more.
    return jnp.minimum(jnp.minimum(place, 2 * last - place), length - 1)


def _part(images: ArrayT, axis: int, part: slice) -> ArrayT:
    """A slice along an axis that is counted from the end."""
    if isinstance(images, jax.Array) and any(is_symbolic_dim(length) for length in images.shape):
        # jax.numpy would make a gather of it, which an exported program computes slowly.
        stop = images.shape[axis] if part.stop is None else part.stop
        return jax.lax.slice_in_dim(images, part.start or 0, stop, part.step or 1, axis=axis % images.ndim)
    place: tuple[Any, ...] = (..., part, *[slice(None)] * (-axis - 1))
    return images[place]
