"""Gradients of the fused image relative to the stronger ones of its sources, by the measures SF and AG."""

import chex
import jax
import jax.numpy as jnp

from bilevel_jax.images.sums import image_means

# Nothing more is to be had over this ratio: without it noise would be rewarded without end.
MOST = 1.25
# A tenth of a grey level: sources whose gradients are weaker count as flat.
FLAT = 0.1 / 255


def sharpness_deficit(fused: jax.Array, ir: jax.Array, luma: jax.Array) -> tuple[jax.Array, jax.Array]:
    """2 - SF(u) / SF* - AG(u) / AG*, each ratio at most 1.25, summed over the images; normaliser: their number.

    SF is the root mean square of forward differences, AG the mean of sqrt((gx^2 + gy^2) / 2) over central ones
    (one-sided at the border); SF* and AG* take at each pixel the source of the stronger gradient. In -0.5 ... 2. A
    measure in which the sources are flat counts 0. [B, H, W, 1] in [0, 1], sides from 2. This project's own.
    """
    chex.assert_rank([fused, ir, luma], 4)
    chex.assert_equal_shape([fused, ir, luma])
    u, x, y = (_squared_strengths(image[..., 0]) for image in (fused, ir, luma))
    losses = 0.0
    for of_fused, of_sources in (
        (_root(image_means(u[0])), _root(image_means(jnp.maximum(x[0], y[0])))),
        (image_means(_root(u[1])), image_means(_root(jnp.maximum(x[1], y[1])))),
    ):
        ratio = jnp.minimum(of_fused / jnp.maximum(of_sources, FLAT), MOST)
        losses += jnp.where(of_sources > FLAT, 1.0 - ratio, 0.0)
    return jnp.sum(losses), jnp.float32(fused.shape[0])


def _squared_strengths(images: jax.Array) -> tuple[jax.Array, jax.Array]:
    """[B,H,W] -> two of [B,H,W]: of forward differences, 0 past the end, and half that of central ones."""
    down = jnp.pad(jnp.diff(images, axis=1), ((0, 0), (0, 1), (0, 0)))
    right = jnp.pad(jnp.diff(images, axis=2), ((0, 0), (0, 0), (0, 1)))
    gy, gx = jnp.gradient(images, axis=(1, 2))
    return down**2 + right**2, (gx**2 + gy**2) / 2


def _root(squares: jax.Array) -> jax.Array:
    # At 0 every direction is uphill and none is chosen: the slope is 0 there.
    return jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1.0)), 0.0)
