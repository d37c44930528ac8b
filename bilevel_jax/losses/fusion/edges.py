"""Edges of the sources that the fused image does not keep: differentiable Qabf.

Xydeas and Petrovic, "Objective image fusion performance measure", Electronics Letters 2000, equations 1-8; the
metric is bilevel_jax/metrics/fusion/edges.py.
"""

import chex
import jax
import jax.numpy as jnp

from bilevel_jax.images.sobel import sobel
from bilevel_jax.images.sums import image_sums


def edge_loss(fused: jax.Array, ir: jax.Array, luma: jax.Array) -> tuple[jax.Array, jax.Array]:
    """1 - Qabf, in [0, 1], summed over the images; the normaliser is their number.

    Sobel operator, zeros around the image; Tg 0.9994, kg -15, Dg 0.5, Ta 0.9879, ka -22, Da 0.8; weights are the edge
    strengths. It differs from the metric in three things. Two equal strengths have the ratio 1, where the metric takes
    the strength itself: a jump, worth 3e-4 on three VIFB pairs where the fused image copies a source exactly. Two
    black sources have Qabf 1, not NaN. And the gradient of a direction is damped where there is hardly an edge to have
    one. Where the fused image has no edge at all the gradient is 0. [B, H, W, 1] each, in [0, 1].
    """
    chex.assert_rank([fused, ir, luma], 4)
    chex.assert_equal_shape([fused, ir, luma])
    kept = weights = 0.0
    strength, angle = _strength_and_angle(fused)
    for source in (ir, luma):
        source_strength, source_angle = _strength_and_angle(source)
        low, high = jnp.minimum(source_strength, strength), jnp.maximum(source_strength, strength)
        ratio = low / jnp.where(high > 0, high, 1.0)
        agreement = 1.0 - jnp.abs(source_angle - angle) / (jnp.pi / 2)
        quality = _sigmoid(ratio, 0.9994, 15, 0.5) * _sigmoid(agreement, 0.9879, 22, 0.8)
        kept += image_sums(quality * source_strength)
        weights += image_sums(source_strength)
    preserved = jnp.where(weights > 0, kept / jnp.where(weights > 0, weights, 1.0), 1.0)
    return jnp.sum(1.0 - preserved), jnp.float32(fused.shape[0])


def _strength_and_angle(image: jax.Array) -> tuple[jax.Array, jax.Array]:
    """[B,H,W,1] each: the gradient's length, in grey levels, and its direction in [-pi/2, pi/2]."""
    right, down = sobel(jnp.pad(255.0 * image, ((0, 0), (1, 1), (1, 1), (0, 0))))
    squares = right * right + down * down
    # At a length of 0 every direction is downhill and none is chosen: the gradient is 0 there.
    strength = jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1.0)), 0.0)
    return strength, _angle(right, down)


@jax.custom_jvp
def _angle(right: jax.Array, down: jax.Array) -> jax.Array:
    # The signs are those of a convolution, which turns the operator round; with x = 0 the angle is +pi/2 for both.
    return jnp.where(right == 0, jnp.pi / 2, jnp.arctan(-down / jnp.where(right == 0, 1.0, right)))


@_angle.defjvp
def _angle_slope(primals, tangents):
    # The slope is 1 / strength, without bound at 0: 1 is added to the strength squared, a grey level's edge has 16.
    (right, down), (more_right, more_down) = primals, tangents
    turn = down * more_right - right * more_down
    return _angle(right, down), turn / (right * right + down * down + 1.0)


def _sigmoid(x: jax.Array, top: float, steepness: float, middle: float) -> jax.Array:
    return top * jax.nn.sigmoid(steepness * (x - middle))
