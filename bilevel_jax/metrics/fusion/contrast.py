"""Contrast and edges of the fused image alone.

All functions take a float image in 0-255, [H, W] or [H, W, C], and `size` as extent.py says it; higher is better.
"""

import jax
import jax.numpy as jnp

from bilevel_jax.metrics.fusion.extent import (
    Size,
    bordered,
    channels_first,
    lengths,
    mean,
    per_channel,
    total,
    where_it_fits,
)
from bilevel_jax.metrics.fusion.windows import magnitude, sobel


@per_channel
def standard_deviation(fused: jax.Array, *, size: Size = None) -> jax.Array:
    """SD, which VIFB calls Variance: population standard deviation in grey levels; mean over the channels."""
    return jnp.sqrt(mean((fused - mean(fused, size)) ** 2, size))


@per_channel
def spatial_frequency(fused: jax.Array, *, size: Size = None) -> jax.Array:
    """SF: sqrt((sum dx^2 + sum dy^2) / (H W)) over first differences; mean over the channels.

    Eskicioglu and Fisher, "Image quality measures and their performance", 1995.
    """
    height, width = lengths(fused, size)
    return jnp.sqrt(_squared_steps(fused, size) / (height * width))


def vifb_spatial_frequency(fused: jax.Array, *, size: Size = None) -> jax.Array:
    """VIFB's Spatial_frequency: that of the C channels laid side by side as one image [H, C W], seams included."""
    planes = channels_first(fused).reshape(-1, *fused.shape[:2])
    height, width = lengths(planes, size)
    last = jax.lax.dynamic_index_in_dim(planes, width - 1, axis=2, keepdims=False)
    seams = last[:-1] - planes[1:, :, 0]
    if size is not None:
        seams = jnp.where(jnp.arange(seams.shape[1]) < height, seams, 0)
    steps = jnp.sum(_squared_steps(planes, size)) + jnp.sum(seams**2)
    return jnp.sqrt(steps / (height * width * len(planes)))


@per_channel
def average_gradient(fused: jax.Array, *, size: Size = None) -> jax.Array:
    """AG: sum of sqrt((gx^2 + gy^2) / 2) / ((H-1)(W-1)), g central, one-sided at the border; mean over the channels.

    NaN for an image under 2 x 2.
    """
    height, width = lengths(fused, size)
    wide = bordered(fused, size, "edge")
    # The border repeats the edge, so a difference across it spans one step and not two.
    gx = (wide[1:-1, 2:] - wide[1:-1, :-2]) / _span(fused.shape[1], width)
    gy = (wide[2:, 1:-1] - wide[:-2, 1:-1]) / _span(fused.shape[0], height)[:, None]
    places = jnp.maximum(height - 1, 1) * jnp.maximum(width - 1, 1)
    return where_it_fits(total(jnp.sqrt((gx**2 + gy**2) / 2), size) / places, fused, size, 2)


@per_channel
def edge_intensity(fused: jax.Array, *, size: Size = None) -> jax.Array:
    """VIFB's Edge_intensity: mean magnitude of the Sobel operator, the border replicated; mean over the channels."""
    return mean(magnitude(*sobel(fused, size, "edge")), size)


def _squared_steps(image: jax.Array, size: Size) -> jax.Array:
    """sum dx^2 + sum dy^2 of [..., H, W]: [...]."""
    rows, columns = jnp.diff(image, axis=-2), jnp.diff(image, axis=-1)
    if size is None:
        return total(rows**2, None) + total(columns**2, None)
    height, width = size[0], size[1]
    return total(rows**2, (height - 1, width)) + total(columns**2, (height, width - 1))


def _span(length: int, used: jax.Array | int) -> jax.Array:
    places = jnp.arange(length)
    return jnp.where((places == 0) | (places == used - 1), 1, 2)
