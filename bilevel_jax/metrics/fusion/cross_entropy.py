"""VIFB's Cross_entropy: how far the histogram of the fused image is from those of its sources."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.extent import Size, per_channel
from bilevel_jax.metrics.fusion.histogram import grey_levels, histogram
from bilevel_jax.metrics.fusion.measure import Measure


@per_channel
def cross_entropy(
    infrared: Float[Array, "h w *c"],
    visible: Float[Array, "h w *c"],
    fused: Float[Array, "h w *c"],
    *,
    size: Size = None,
) -> Float[Array, ""]:
    """VIFB's Cross_entropy: mean over the sources of sum p log2(p / q), q the fused image's histogram; lower is better.

    Only bins that are empty in neither histogram count, so the value may be negative. It is 0 where the images share no
    grey level. Bulanon, Burks and Alchanatis, "Image fusion of visible and thermal images for fruit detection", 2009.

    Args:
        infrared, visible, fused: in 0-255; the result is the mean over the channels.
        size: of the images in their arrays, see extent.py.
    """
    target = histogram(grey_levels(fused), fused, size)

    def divergence(source: Float[Array, "h w"]) -> Float[Array, ""]:
        p, q = (h / jnp.sum(h) for h in (histogram(grey_levels(source), source, size), target))
        shared = (p > 0) & (q > 0)
        return jnp.sum(jnp.where(shared, p * jnp.log2(jnp.where(shared, p, 1) / jnp.where(shared, q, 1)), 0))

    return (divergence(infrared) + divergence(visible)) / 2


MEASURES = (
    Measure(
        "Cross_entropy",
        cross_entropy,
        "log2, over the bins that are not empty in both; mean of the two sources",
        family="vifb",
        higher_is_better=False,
    ),
)
