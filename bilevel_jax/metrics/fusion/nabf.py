"""Nabf: edges of the fused image that neither source has."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.edges import Edge, sigmoid
from bilevel_jax.metrics.fusion.extent import Size, per_channel, total, where_it_fits
from bilevel_jax.metrics.fusion.measure import Measure
from bilevel_jax.metrics.fusion.windows import magnitude, sobel

LEAST_SIDE = 2


@per_channel
def fusion_artifacts(
    infrared: Float[Array, "h w *c"],
    visible: Float[Array, "h w *c"],
    fused: Float[Array, "h w *c"],
    *,
    size: Size = None,
) -> Float[Array, ""]:
    """Nabf: share of edges in the fused image that neither source has, in [0, 1]; LOWER is better.

    This is the modified measure: where the fused edge is stronger than both sources', (1 - Q_AF) w_A + (1 - Q_BF) w_B,
    over the sum of w_A + w_B. Sobel operator / 8 with the image reflected at the border (the edge itself is not
    repeated). The weights are strength^1.5 from a strength of 2 on, and 0.001 below. Q is the square root of two
    sigmoids (0.9999, 19, 0.5 in strength; 0.9995, 22, 0.5 in direction). NaN for an image under 2 x 2. Shreyamsha
    Kumar, "Multifocus and multispectral image fusion based on pixel significance using discrete cosine harmonic wavelet
    transform", 2013.

    Args:
        infrared, visible, fused: in 0-255; the result is the mean over the channels.
        size: of the images in their arrays, see extent.py.
    """
    target = _edge(fused, size)
    added: Array | float = 0.0
    weights: Array | float = 0.0
    new: Array | bool = True
    for source in (infrared, visible):
        edge = _edge(source, size)
        low, high = jnp.minimum(edge.strength, target.strength), jnp.maximum(edge.strength, target.strength)
        ratio = low / jnp.where(high > 0, high, 1)
        agreement = jnp.abs(jnp.abs(edge.angle - target.angle) - jnp.pi / 2) * 2 / jnp.pi
        quality = jnp.sqrt(sigmoid(ratio, 0.9999, 19, 0.5) * sigmoid(agreement, 0.9995, 22, 0.5))
        weight = jnp.where(edge.strength >= 2, edge.strength * jnp.sqrt(edge.strength), 0.001)
        added += (1 - quality) * weight
        weights += weight
        new &= target.strength > edge.strength
    share = total(jnp.where(new, added, 0), size) / total(jnp.asarray(weights), size)
    return where_it_fits(share, fused, size, LEAST_SIDE)


def _edge(image: Float[Array, "h w"], size: Size) -> Edge:
    right, down = (difference / 8 for difference in sobel(image, size, "reflect"))
    # arctan(right / down), with its limits +-pi/2 where there is nothing downwards, and 0 where there is no edge.
    angle = jnp.where(down == 0, jnp.sign(right) * jnp.pi / 2, jnp.arctan(right / jnp.where(down == 0, 1, down)))
    return Edge(magnitude(right, down), angle)


MEASURES = (
    Measure(
        "Nabf",
        fusion_artifacts,
        "share of edges that neither source has",
        higher_is_better=False,
        least_side=LEAST_SIDE,
    ),
)
