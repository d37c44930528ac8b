"""Where an image lies in its array: padding at the bottom and the right that no measure sees.

An array of one of a few shapes can then hold an image of any size, and a folder of many sizes is measured with a few
compilations. `size` is (height, width) of the image, two numbers or an int array [2] that jit may trace; None means
that the image fills the array. Whatever the padding holds, it is ignored: every sum and mean is that of the image.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

Size = jax.Array | Sequence[int] | None


def lengths(image: jax.Array, size: Size) -> tuple:
    """Height and width of the image [..., H, W] in its array."""
    return image.shape[-2:] if size is None else (size[0], size[1])


def shrunk(size: Size, pixels: int) -> Size:
    """The size after a filter that needs `pixels` neighbours along each axis ("valid")."""
    return None if size is None else (size[0] - pixels, size[1] - pixels)


def halved(size: Size) -> Size:
    """The size after every second pixel was taken, the first one included."""
    return None if size is None else ((size[0] + 1) // 2, (size[1] + 1) // 2)


def inside(image: jax.Array, size: Size) -> jax.Array | bool:
    """True where the array [..., H, W] holds the image, bool [H, W]; True alone where it fills it."""
    if size is None:
        return True
    rows, columns = (jnp.arange(length) for length in image.shape[-2:])
    return (rows[:, None] < size[0]) & (columns[None, :] < size[1])


def total(values: jax.Array, size: Size) -> jax.Array:
    """The sum of a map [..., H, W] over the image: [...]."""
    if size is not None:
        values = jnp.where(inside(values, size), values, 0)
    return jnp.sum(values, axis=(-2, -1))


def mean(values: jax.Array, size: Size) -> jax.Array:
    """The mean of a map [..., H, W] over the image: [...]; NaN where the image is empty."""
    height, width = (jnp.maximum(length, 0) for length in lengths(values, size))
    count = height * width
    return jnp.where(count > 0, total(values, size) / jnp.maximum(count, 1), jnp.nan)


def extremes(image: jax.Array, size: Size) -> tuple[jax.Array, jax.Array]:
    """The least and the greatest value of the image [..., H, W]: two of [...]."""
    if size is None:
        return jnp.min(image, axis=(-2, -1)), jnp.max(image, axis=(-2, -1))
    within = inside(image, size)
    least = jnp.min(jnp.where(within, image, jnp.inf), axis=(-2, -1))
    return least, jnp.max(jnp.where(within, image, -jnp.inf), axis=(-2, -1))


def where_it_fits(value: jax.Array, image: jax.Array, size: Size, least: int) -> jax.Array:
    """`value`, or NaN where a side of the image [..., H, W] is under `least` pixels."""
    height, width = lengths(image, size)
    return jnp.where(jnp.minimum(height, width) >= least, value, jnp.nan)


def bordered(image: jax.Array, size: Size, border: str) -> jax.Array:
    """The image with one more row and column on each of its sides: [..., H, W] -> [..., H+2, W+2].

    Args:
        image: [..., H, W]; the new right column stands right of the image, wherever in the array that is.
        size: of the image.
        border: what the new pixels are: "zero"; "edge", the pixel next to them; "reflect", the one behind that.
    """
    for axis, length in zip((-2, -1), lengths(image, size), strict=True):
        if border == "zero":
            first = last = jnp.zeros_like(jax.lax.slice_in_dim(image, 0, 1, axis=axis))
        else:
            behind = {"edge": 0, "reflect": 1}[border]
            pick = functools.partial(jax.lax.dynamic_slice_in_dim, image, slice_size=1, axis=axis)
            first, last = pick(behind), pick(length - 1 - behind)
        image = jnp.concatenate([first, image, last], axis=axis)
        if size is not None:
            places = jax.lax.broadcasted_iota(jnp.int32, image.shape, image.ndim + axis)
            image = jnp.where(places == length + 1, last, image)
    return image


def per_channel(measure: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """A measure of [H, W] images as one of [H, W] or [H, W, C] images: the mean over the channels.

    A one-channel image serves every channel of the others. Integers become the default float.
    """

    @functools.wraps(measure)
    def over_channels(*images: jax.Array, **options: Any) -> jax.Array:
        return mean_over_planes(functools.partial(measure, **options), *map(channels_first, images))

    return over_channels


def mean_over_planes(measure: Callable[..., jax.Array], *images: jax.Array) -> jax.Array:
    """`measure` of [H, W] images over the planes of [H, W] and [C, H, W] images: the mean of its C values."""
    axes = [None if image.ndim == 2 else 0 for image in images]
    if all(axis is None for axis in axes):
        return measure(*images)
    return jnp.mean(jax.vmap(measure, in_axes=axes)(*images))


def channels_first(image: jax.Array) -> jax.Array:
    """[H, W] or [H, W, 1] -> [H, W]; [H, W, C] -> [C, H, W]; a float stays the float it is."""
    image = jnp.asarray(image)
    if not jnp.issubdtype(image.dtype, jnp.floating):
        image = image.astype(jnp.result_type(float))
    if image.ndim == 2:
        return image
    return image[..., 0] if image.shape[-1] == 1 else jnp.moveaxis(image, -1, 0)
