"""Qabf: edges of the sources that the fused image loses, differentiable.

Xydeas and Petrovic, "Objective image fusion performance measure", Electronics Letters 2000, equations 1-8. The measure
is bilevel_jax/metrics/fusion/qabf.py.
"""

import chex
import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.images.sobel import sobel
from bilevel_jax.images.sums import image_sums
from bilevel_jax.losses.fusion.term import Term, to_sources
from bilevel_jax.losses.pair import Pair


def edge_loss(
    fused: Float[Array, "b h w 1"], infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]
) -> Pair:
    """1 - Qabf, in [0, 1], summed over the images; the normaliser is their number.

    Sobel operator, zeros around the image; Tg 0.9994, kg -15, Dg 0.5, Ta 0.9879, ka -22, Da 0.8; the weights are the
    edge strengths. The loss differs from the measure in three points:

    - Two equal strengths have the ratio 1. The measure takes the strength itself, which makes it jump where the fused
      image copies a source exactly.
    - Two black sources have Qabf 1 instead of NaN.
    - The gradient of an edge's direction is damped where there is hardly an edge.

    The gradient is 0 where the fused image has no edge at all.

    Args:
        fused: fused luminance u; it may leave [0, 1].
        infrared: x, in [0, 1].
        luminance: y_Y of the visible image, in [0, 1].
    """
    chex.assert_rank([fused, infrared, luminance], 4)
    chex.assert_equal_shape([fused, infrared, luminance])
    kept: Array | float = 0.0
    weights: Array | float = 0.0
    strength, angle = _strength_and_angle(fused)
    for source in (infrared, luminance):
        source_strength, source_angle = _strength_and_angle(source)
        low, high = jnp.minimum(source_strength, strength), jnp.maximum(source_strength, strength)
        ratio = low / jnp.where(high > 0, high, 1.0)
        agreement = 1.0 - jnp.abs(source_angle - angle) / (jnp.pi / 2)
        quality = _sigmoid(ratio, 0.9994, 15, 0.5) * _sigmoid(agreement, 0.9879, 22, 0.8)
        kept += image_sums(quality * source_strength)
        weights += image_sums(source_strength)
    preserved = jnp.where(weights > 0, kept / jnp.where(weights > 0, weights, 1.0), 1.0)
    return jnp.sum(1.0 - preserved), jnp.float32(fused.shape[0])


def _strength_and_angle(image: Float[Array, "b h w 1"]) -> tuple[Float[Array, "b h w 1"], Float[Array, "b h w 1"]]:
    """Length of the gradient in grey levels, and its direction in [-pi/2, pi/2]."""
    right, down = sobel(jnp.pad(255.0 * image, ((0, 0), (1, 1), (1, 1), (0, 0))))
    squares = right * right + down * down
    # sqrt has no slope at 0. There the gradient is taken as 0.
    strength = jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1.0)), 0.0)
    return strength, _angle(right, down)


@jax.custom_jvp
def _angle(right: Array, down: Array) -> Array:
    # The minus sign comes from a convolution, which mirrors the operator. Where `right` is 0 the angle is +pi/2.
    return jnp.where(right == 0, jnp.pi / 2, jnp.arctan(-down / jnp.where(right == 0, 1.0, right)))


@_angle.defjvp
def _angle_slope(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    # The exact slope 1 / strength^2 has no bound near 0. Adding 1 bounds it; the edge of one grey level has 16 here.
    (right, down), (more_right, more_down) = primals, tangents
    turn = down * more_right - right * more_down
    return _angle(right, down), turn / (right * right + down * down + 1.0)


def _sigmoid(x: Array, top: float, steepness: float, middle: float) -> Array:
    return top * jax.nn.sigmoid(steepness * (x - middle))


TERM = Term("qabf", to_sources(edge_loss), "weight of 1 - Qabf", of_measure=True)
