"""The exposure of `images.exposure` for images whose size is known only when the exported program runs."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from bilevel_jax.images.exposure import CONSTANT_SIDE, FEWEST, HIGHLIGHTS, gain_for
from bilevel_jax.serving.onnx_export.sizes import Sizes


def measured_gain(infrared: Float[Array, "b h w 1"], most: float, sizes: Sizes) -> Float[Array, " b"]:
    """Returns what `images.exposure.exposure_gain` returns, up to rounding.

    Args:
        infrared: images in [0, 1].
        most: maximum gain, at least 1.
        sizes: the sizes of the program.
    """
    images = infrared[..., 0]
    counted = (_constant(images) < 0.5).reshape(sizes.batch, sizes.pixels)
    pixels = images.reshape(sizes.batch, sizes.pixels)
    counts = counted.astype(jnp.float32).sum(axis=1)
    means = jnp.where(counted, pixels, 0.0).sum(axis=1) / jnp.maximum(counts, 1.0)
    brightest = lax.top_k(jnp.where(counted, pixels, -1.0), sizes.highlights)[0]
    # The quantile lies between two of the brightest pixels.
    place = (1.0 - HIGHLIGHTS) * jnp.maximum(counts - 1.0, 0.0)
    before = jnp.floor(place)
    ranks = jnp.arange(sizes.highlights).astype(jnp.float32)
    brighter = jnp.where(ranks == before[:, None], brightest, 0.0).sum(axis=1)
    darker = jnp.where(ranks == before[:, None] + 1.0, brightest, 0.0).sum(axis=1)
    highlights = brighter + (place - before) * (darker - brighter)
    return jnp.where(counts >= FEWEST, gain_for(means, highlights, most), 1.0)


def _constant(images: Float[Array, "b h w"]) -> Float[Array, "b h w"]:
    """1 where a pixel lies in a window of equal pixels, else 0.

    Windows that reach over the border see a level that no image has, so they are not of one level.
    """
    reach = CONSTANT_SIDE - 1
    padded = lax.pad(images, jnp.float32(-1.0), ((0, 0, 0), (0, reach, 0), (0, reach, 0)))
    same = (_largest(padded) == -_largest(-padded)).astype(jnp.float32)
    return _largest(lax.pad(same, jnp.float32(0.0), ((0, 0, 0), (reach, 0, 0), (reach, 0, 0))))


def _largest(images: Float[Array, "b h w"]) -> Float[Array, "b h2 w2"]:
    """The largest value of each window, first along columns and then along rows."""
    stacked = images[:, None]
    for window in ((1, 1, CONSTANT_SIDE, 1), (1, 1, 1, CONSTANT_SIDE)):
        stacked = lax.reduce_window(stacked, -jnp.inf, lax.max, window, (1, 1, 1, 1), "VALID")
    return jax.lax.squeeze(stacked, (1,))
