"""Qabf: how well the fused image keeps the edges of its sources."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.causes import Cause, Planes
from bilevel_jax.metrics.fusion.edges import Edge, sigmoid
from bilevel_jax.metrics.fusion.extent import Size, per_channel, total
from bilevel_jax.metrics.fusion.measure import Measure
from bilevel_jax.metrics.fusion.windows import magnitude, sobel


@per_channel
def edge_preservation(
    infrared: Float[Array, "h w *c"],
    visible: Float[Array, "h w *c"],
    fused: Float[Array, "h w *c"],
    *,
    size: Size = None,
) -> Float[Array, ""]:
    """Qabf: how much of the sources' edge strength and direction is kept, in [0, 1]; higher is better.

    Sobel operator, zeros around the image; Tg 0.9994, kg -15, Dg 0.5, Ta 0.9879, ka -22, Da 0.8; the weights are the
    edge strengths. NaN where neither source has an edge; with zeros around the images these are black images. Xydeas
    and Petrovic, "Objective image fusion performance measure", 2000, equations 1-8.

    Args:
        infrared, visible, fused: in 0-255; the result is the mean over the channels.
        size: of the images in their arrays, see extent.py.
    """
    kept: Array | float = 0.0
    weights: Array | float = 0.0
    target = _edge(fused, size)
    for source in (infrared, visible):
        edge = _edge(source, size)
        low, high = jnp.minimum(edge.strength, target.strength), jnp.maximum(edge.strength, target.strength)
        # Equal strengths give the strength itself and not 1, as in the evaluator that papers use.
        ratio = jnp.where(low == high, target.strength, low / jnp.where(high > 0, high, 1))
        agreement = 1 - jnp.abs(edge.angle - target.angle) / (jnp.pi / 2)
        quality = sigmoid(ratio, 0.9994, 15, 0.5) * sigmoid(agreement, 0.9879, 22, 0.8)
        kept += total(quality * edge.strength, size)
        weights += total(edge.strength, size)
    return kept / jnp.where(weights > 0, weights, jnp.nan)


def _edge(image: Float[Array, "h w"], size: Size) -> Edge:
    right, down = sobel(image, size, "zero")
    # The minus sign comes from a convolution, which mirrors the operator. Where `right` is 0 the angle is +pi/2.
    angle = jnp.where(right == 0, jnp.pi / 2, jnp.arctan(-down / jnp.where(right == 0, 1, right)))
    return Edge(magnitude(right, down), angle)


def _no_edges(planes: Planes) -> str | None:
    # With zeros around the image only a black image or a single pixel has no edge.
    black = not (planes.infrared.any() or planes.visible.any())
    return "neither source has an edge" if black or planes.infrared.size == 1 else None


_BLACK = (Cause("two black sources", _no_edges),)
MEASURES = tuple(
    Measure(
        "Qabf",
        edge_preservation,
        "edge preservation of Xydeas and Petrovic",
        family=family,
        in_nine=family == "paper",
        undefined=_BLACK,
    )
    for family in ("paper", "vifb")
)
