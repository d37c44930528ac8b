"""Automatic exposure, which brightens dim infrared images before fusion.

`expose` measures and brightens in one step. `exposure_gain` only measures, and leaves constant areas out; `apply_gain`
brightens by a gain that was measured before, such as that of a rig or of a video. NumPy arrays give NumPy arrays; JAX
arrays give JAX arrays.
"""

from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from bilevel_jax.images.namespace import namespace
from bilevel_jax.images.pyramid import Extent, halve, halved_extents, within, zeros_beyond
from bilevel_jax.images.sums import image_means, image_sums

ArrayT = TypeVar("ArrayT", np.ndarray, jax.Array)

KEY = 0.3  # mean that a dim image is brightened to
HIGHLIGHTS = 0.99  # share of the pixels that must stay within the range
LEAST = 1e-3  # least mean and least highlight that the gain is computed from: a quarter of an 8-bit level
MOST = 4.0  # maximum gain where the caller names none
SHOULDER = 0.75  # from here on `apply_gain` rolls off what would become brighter than 1
CONSTANT_SIDE = 9  # pixels: side of the windows of equal pixels that do not count
FEWEST = 16  # least number of pixels that a gain is measured on


def expose(
    infrared: Float[ArrayT, "*batch h w 1"], most: float = MOST, extent: Extent | None = None
) -> Float[ArrayT, "*batch h w 1"]:
    """Multiplies each image by one gain that brings its mean to 0.3 or its highlights to 1, whichever comes first.

    An infrared image that was written with a fixed range of temperatures can be much dimmer than the visible image
    beside it. Then even warm objects are no brighter than the texture of the visible image. The gain is at least 1, so
    a bright image does not change.

    Args:
        infrared: images in [0, 1].
        most: maximum gain, at least 1. At 1 nothing changes.
        extent: height and width of the upper left part that is measured (`images.pyramid`); None = all.

    Returns:
        The images in [0, 1]. At most one pixel in a hundred is clipped at 1. Gradients treat the gain as a constant.
    """
    if most == 1:
        return infrared
    images = infrared.reshape(-1, *infrared.shape[-3:])
    half, quarter = halved_extents(extent, 2)[1:]
    small = halve(halve(images, extent), half)  # so that single hot or noisy pixels do not count
    pixels = small.reshape(small.shape[0], -1).astype(np.float32)
    if isinstance(infrared, np.ndarray):
        means = images.reshape(images.shape[0], -1).mean(axis=1, dtype=np.float32)
        factor = gain_for(means, np.quantile(pixels, HIGHLIGHTS, axis=1), most).astype(infrared.dtype)
        return np.minimum(factor[:, None, None, None] * images, 1.0).reshape(infrared.shape)
    if extent is None or quarter is None:
        highlights = jnp.quantile(pixels, HIGHLIGHTS, axis=1)
        means = image_means(images.astype(jnp.float32))
    else:
        measured = within(quarter, *small.shape[1:3]).reshape(-1)
        highlights = _quantile(pixels, measured, HIGHLIGHTS)
        means = image_sums(zeros_beyond(images.astype(jnp.float32), extent)) / (extent[0] * extent[1])
    factor = jax.lax.stop_gradient(gain_for(means, highlights, most)).astype(infrared.dtype)
    return jnp.minimum(factor[:, None, None, None] * images, 1.0).reshape(infrared.shape)


def exposure_gain(infrared: Float[ArrayT, "*batch h w 1"], most: float = MOST) -> Float[ArrayT, "*batch"]:
    """Measures the gain that brings each image's mean to 0.3 or its highlights to 1, whichever comes first.

    Constant areas do not count: a pixel is left out where it lies in a window of 9 x 9 pixels that are all equal. So
    black bars, a frame of any level and saturated areas do not change the gain. An image with fewer than 16 other
    pixels has the gain 1.

    Args:
        infrared: images in [0, 1].
        most: maximum gain, at least 1.

    Returns:
        The gain of each image, float32 from 1 to `most`. It has no gradient.
    """
    images = infrared.reshape(-1, *infrared.shape[-3:-1])
    if isinstance(images, np.ndarray):
        means, highlights, counts = _statistics_on_host(images, ~_constant(images))
    else:
        images = jax.lax.stop_gradient(images)
        means, highlights, counts = _statistics_on_device(images, ~_constant(images))
    gains = namespace(images).where(counts >= FEWEST, gain_for(means, highlights, most), 1.0)
    return gains.astype(np.float32).reshape(infrared.shape[:-3])


def apply_gain(
    infrared: Float[ArrayT, "*batch h w 1"], gain: Float[ArrayT, "*batch"] | float
) -> Float[ArrayT, "*batch h w 1"]:
    """Multiplies each image by its gain, and rolls off the highlights so that they keep their shading.

    Up to 0.75 the result is gain * infrared. Beyond that the slope falls steadily, and 1 stays 1, so nothing is
    clipped: hot things keep their structure. A gain of 1 changes nothing.

    Args:
        infrared: images in [0, 1].
        gain: positive; of each image, or one number for all of them.

    Returns:
        The images in [0, 1].
    """
    space = namespace(infrared)
    factor = space.asarray(gain, infrared.dtype)
    factor = factor[..., None, None, None] if factor.ndim else factor
    brightened, brighter = factor * infrared, space.maximum(factor, 1.0) - 1.0
    over = space.maximum(brightened - SHOULDER, 0.0)
    rolled_off = over / (1.0 + over * brighter / ((1.0 - SHOULDER) * (1.0 - SHOULDER + brighter)))
    return space.minimum(brightened, SHOULDER) + rolled_off


def gain_for(means: Float[ArrayT, " b"], highlights: Float[ArrayT, " b"], most: float) -> Float[ArrayT, " b"]:
    """Returns the gain of images with the given means and highlights, which are in [0, 1]; from 1 to `most`."""
    space = namespace(means)
    return space.clip(
        space.minimum(KEY / space.maximum(means, LEAST), 1.0 / space.maximum(highlights, LEAST)), 1.0, most
    )


def _quantile(pixels: Float[jax.Array, "b n"], measured: Bool[jax.Array, " n"], share: float) -> Float[jax.Array, " b"]:
    """The quantile of the measured pixels of each image, linear between two pixels."""
    ordered = jnp.sort(jnp.where(measured, pixels, jnp.inf), axis=1)
    place = share * (measured.sum() - 1).astype(jnp.float32)
    before = jnp.floor(place).astype(jnp.int32)
    darker, brighter = ordered[:, before], ordered[:, jnp.minimum(before + 1, measured.sum() - 1)]
    return darker + (place - before) * (brighter - darker)


def _statistics_on_host(
    images: Float[np.ndarray, "b h w"], counted: Bool[np.ndarray, "b h w"]
) -> tuple[Float[np.ndarray, " b"], Float[np.ndarray, " b"], Int[np.ndarray, " b"]]:
    """Mean, highlights and number of the pixels of each image that count."""
    pixels = [image[kept].astype(np.float64) for image, kept in zip(images, counted, strict=True)]
    filled = [own if own.size else np.zeros(1) for own in pixels]
    return (
        np.array([own.mean() for own in filled]),
        np.array([np.quantile(own, HIGHLIGHTS) for own in filled]),
        np.array([own.size for own in pixels], np.int64),
    )


def _statistics_on_device(
    images: Float[jax.Array, "b h w"], counted: Bool[jax.Array, "b h w"]
) -> tuple[Float[jax.Array, " b"], Float[jax.Array, " b"], Int[jax.Array, " b"]]:
    """As `_statistics_on_host`. The quantile is read from the brightest pixels: a whole image takes long to sort."""
    pixels, kept = (array.reshape(len(images), -1) for array in (images.astype(jnp.float32), counted))
    counts = kept.sum(axis=1)
    means = jnp.where(kept, pixels, 0.0).sum(axis=1) / jnp.maximum(counts, 1)
    needed = min(int((1.0 - HIGHLIGHTS) * pixels.shape[1]) + 2, pixels.shape[1])
    brightest = jax.lax.top_k(jnp.where(kept, pixels, -1.0), needed)[0]
    place = (1.0 - HIGHLIGHTS) * jnp.maximum(counts - 1, 0).astype(jnp.float32)
    before = jnp.floor(place).astype(jnp.int32)
    around = jnp.stack([before, jnp.minimum(before + 1, needed - 1)], axis=1)
    brighter, darker = jnp.take_along_axis(brightest, around, axis=1).T
    return means, brighter + (place - before) * (darker - brighter), counts


def _constant(images: Float[ArrayT, "b h w"]) -> Bool[ArrayT, "b h w"]:
    """Whether each pixel lies in a window of `CONSTANT_SIDE` x `CONSTANT_SIDE` equal pixels."""
    space, reach = namespace(images), CONSTANT_SIDE - 1
    if min(images.shape[1:]) < CONSTANT_SIDE:
        return space.zeros(images.shape, bool)
    rows = _all_of(images[:, :, 1:] == images[:, :, :-1], reach, 2)
    columns = _all_of(images[:, 1:] == images[:, :-1], reach, 1)
    windows = _all_of(rows, CONSTANT_SIDE, 1) & columns[:, :, :-reach]
    others = space.pad(~windows, [(0, 0), (reach, reach), (reach, reach)], constant_values=True)
    return ~_all_of(_all_of(others, CONSTANT_SIDE, 1), CONSTANT_SIDE, 2)


def _all_of(flags: Bool[ArrayT, "b h w"], count: int, axis: int) -> Bool[ArrayT, "b h2 w2"]:
    """Whether `count` flags in succession along an axis are all true, at every place where so many are left."""
    joined = 1
    while joined < count:
        step = min(joined, count - joined)
        parts = (slice(None, -step), slice(step, None))
        first, second = (flags[(slice(None),) * axis + (part,)] for part in parts)
        flags, joined = first & second, joined + step
    return flags
