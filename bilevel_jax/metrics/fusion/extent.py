"""Where an image lies in its array: padding at the bottom and on the right that no measure sees.

An array of one of a few shapes can hold an image of any size, so a folder of many sizes needs a few compilations only.
`size` is (height, width) of the image: two numbers, or an int array [2] that jit may trace. None means that the image
fills the array. The values in the padding do not matter: every sum and mean is over the image.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Literal, ParamSpec, cast

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int

Size = Int[Array, "2"] | Sequence[Int[Array, ""] | int] | None
Border = Literal["zero", "edge", "reflect"]
P = ParamSpec("P")


def lengths(image: Float[Array, "... h w"], size: Size) -> tuple[Array | int, Array | int]:
    """Height and width of the image in its array."""
    return (image.shape[-2], image.shape[-1]) if size is None else (size[0], size[1])


def shrunk(size: Size, pixels: int) -> Size:
    """The size after a filter that needs `pixels` neighbours along each axis ("valid")."""
    return None if size is None else (size[0] - pixels, size[1] - pixels)


def halved(size: Size) -> Size:
    """The size after every second pixel was taken, the first one included."""
    return None if size is None else ((size[0] + 1) // 2, (size[1] + 1) // 2)


def inside(image: Float[Array, "... h w"], size: Size) -> Bool[Array, "h w"] | bool:
    """True where the array holds the image; a single True where the image fills it."""
    if size is None:
        return True
    rows, columns = (jnp.arange(length) for length in image.shape[-2:])
    return (rows[:, None] < size[0]) & (columns[None, :] < size[1])


def total(values: Float[Array, "*n h w"], size: Size) -> Float[Array, "*n"]:
    """The sum of a map over the image."""
    if size is not None:
        values = jnp.where(inside(values, size), values, 0)
    return jnp.sum(values, axis=(-2, -1))


def mean(values: Float[Array, "*n h w"], size: Size) -> Float[Array, "*n"]:
    """The mean of a map over the image; NaN where the image is empty."""
    height, width = (jnp.maximum(length, 0) for length in lengths(values, size))
    count = height * width
    return jnp.where(count > 0, total(values, size) / jnp.maximum(count, 1), jnp.nan)


def extremes(image: Float[Array, "*n h w"], size: Size) -> tuple[Float[Array, "*n"], Float[Array, "*n"]]:
    """The least and the greatest value of the image."""
    if size is None:
        return jnp.min(image, axis=(-2, -1)), jnp.max(image, axis=(-2, -1))
    within = inside(image, size)
    least = jnp.min(jnp.where(within, image, jnp.inf), axis=(-2, -1))
    return least, jnp.max(jnp.where(within, image, -jnp.inf), axis=(-2, -1))


def where_it_fits(
    value: Float[Array, "..."], image: Float[Array, "... h w"], size: Size, least: int
) -> Float[Array, "..."]:
    """`value`, or NaN where a side of the image is under `least` pixels."""
    height, width = lengths(image, size)
    return jnp.where(jnp.minimum(height, width) >= least, value, jnp.nan)


def bordered(image: Float[Array, "*n h w"], size: Size, border: Border) -> Float[Array, "*n h+2 w+2"]:
    """The image with one more row and column on each of its sides.

    Args:
        image: the new column on the right stands right beside the image, wherever in the array that is.
        size: of the image.
        border: values of the new pixels: "zero"; "edge", the pixel next to them; "reflect", the pixel behind that one.
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


def per_channel(measure: Callable[P, Array]) -> Callable[P, Array]:
    """A measure of images [H, W] as a measure of images [H, W] or [H, W, C]: the mean over the channels.

    A one-channel image serves every channel of the others. Integers become the default float.
    """

    @functools.wraps(measure)
    def over_channels(*images: Array, **options: object) -> Array:
        of_planes = functools.partial(cast(Callable[..., Array], measure), **options)
        return mean_over_planes(of_planes, *map(channels_first, images))

    return cast(Callable[P, Array], over_channels)


def mean_over_planes(measure: Callable[..., Float[Array, ""]], *images: Float[Array, "*c h w"]) -> Float[Array, ""]:
    """The mean of a measure over the channels: images [H, W] serve every channel of images [C, H, W]."""
    axes = [None if image.ndim == 2 else 0 for image in images]
    if all(axis is None for axis in axes):
        return measure(*images)
    return jnp.mean(jax.vmap(measure, in_axes=axes)(*images))


def channels_first(image: Float[Array, "h w *c"]) -> Float[Array, "*c h w"]:
    """[H, W] or [H, W, 1] -> [H, W]; [H, W, C] -> [C, H, W]. A float keeps its type, an integer becomes a float."""
    image = jnp.asarray(image)
    if not jnp.issubdtype(image.dtype, jnp.floating):
        image = image.astype(jnp.result_type(float))
    if image.ndim == 2:
        return image
    return image[..., 0] if image.shape[-1] == 1 else jnp.moveaxis(image, -1, 0)
