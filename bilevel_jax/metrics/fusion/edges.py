"""How well the fused image keeps the edges of its sources, and how many it adds.

All functions take float images in 0-255, [H, W] or [H, W, C] (the mean over the channels; a one-channel image serves
every channel), and `size` as extent.py says it.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from bilevel_jax.metrics.fusion.extent import Size, per_channel, total, where_it_fits
from bilevel_jax.metrics.fusion.windows import magnitude, sobel


@per_channel
def edge_preservation(infrared: jax.Array, visible: jax.Array, fused: jax.Array, *, size: Size = None) -> jax.Array:
    """Qabf: how much of the sources' edge strength and direction is kept, in [0, 1]; higher is better.

    Sobel operator, zeros around the image; Tg 0.9994, kg -15, Dg 0.5, Ta 0.9879, ka -22, Da 0.8; weights are the edge
    strengths. NaN where neither source has an edge, which with zeros around it is a black image. Xydeas and Petrovic,
    "Objective image fusion performance measure", 2000, equations 1-8.
    """
    kept, weights = 0.0, 0.0
    target = _strength_and_angle(fused, size)
    for source in (infrared, visible):
        edge = _strength_and_angle(source, size)
        low, high = jnp.minimum(edge.strength, target.strength), jnp.maximum(edge.strength, target.strength)
        # Equal strengths give the strength itself and not 1: so the evaluator that papers use.
        ratio = jnp.where(low == high, target.strength, low / jnp.where(high > 0, high, 1))
        agreement = 1 - jnp.abs(edge.angle - target.angle) / (jnp.pi / 2)
        quality = _sigmoid(ratio, 0.9994, 15, 0.5) * _sigmoid(agreement, 0.9879, 22, 0.8)
        kept += total(quality * edge.strength, size)
        weights += total(edge.strength, size)
    return kept / jnp.where(weights > 0, weights, jnp.nan)


@per_channel
def fusion_artifacts(infrared: jax.Array, visible: jax.Array, fused: jax.Array, *, size: Size = None) -> jax.Array:
    """Nabf: share of edges in the fused image that neither source has, in [0, 1]; LOWER is better.

    The modified measure: where the fused edge is stronger than both sources', (1 - Q_AF) w_A + (1 - Q_BF) w_B, over the
    sum of w_A + w_B. Sobel operator / 8 with the image reflected at the border (the edge itself not repeated), weights
    strength^1.5 from a strength of 2 and 0.001 below, Q the square root of two sigmoids (0.9999, 19, 0.5 in
    strength; 0.9995, 22, 0.5 in direction). NaN for an image under 2 x 2. Shreyamsha Kumar, "Multifocus and
    multispectral image fusion based on pixel significance using discrete cosine harmonic wavelet transform", 2013.
    """
    target = _gradient(fused, size)
    added, weights, new = 0.0, 0.0, True
    for source in (infrared, visible):
        edge = _gradient(source, size)
        low, high = jnp.minimum(edge.strength, target.strength), jnp.maximum(edge.strength, target.strength)
        ratio = low / jnp.where(high > 0, high, 1)
        agreement = jnp.abs(jnp.abs(edge.angle - target.angle) - jnp.pi / 2) * 2 / jnp.pi
        quality = jnp.sqrt(_sigmoid(ratio, 0.9999, 19, 0.5) * _sigmoid(agreement, 0.9995, 22, 0.5))
        weight = jnp.where(edge.strength >= 2, edge.strength * jnp.sqrt(edge.strength), 0.001)
        added += (1 - quality) * weight
        weights += weight
        new &= target.strength > edge.strength
    share = total(jnp.where(new, added, 0), size) / total(weights, size)
    return where_it_fits(share, fused, size, 2)


class _Edge(NamedTuple):
    strength: jax.Array  # [H, W]
    angle: jax.Array  # [H, W], in [-pi/2, pi/2]


def _strength_and_angle(image: jax.Array, size: Size) -> _Edge:
    right, down = sobel(image, size, "zero")
    # The signs are those of a convolution, which turns the operator round; with x = 0 the angle is +pi/2 for both.
    angle = jnp.where(right == 0, jnp.pi / 2, jnp.arctan(-down / jnp.where(right == 0, 1, right)))
    return _Edge(magnitude(right, down), angle)


def _gradient(image: jax.Array, size: Size) -> _Edge:
    right, down = (difference / 8 for difference in sobel(image, size, "reflect"))
    # arctan(right / down), with its limits +-pi/2 where there is nothing downwards, and 0 where there is no edge.
    angle = jnp.where(down == 0, jnp.sign(right) * jnp.pi / 2, jnp.arctan(right / jnp.where(down == 0, 1, down)))
    return _Edge(magnitude(right, down), angle)


def _sigmoid(x: jax.Array, top: float, steepness: float, middle: float) -> jax.Array:
    return top / (1 + jnp.exp(-steepness * (x - middle)))
