"""SD: standard deviation of the fused image."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.extent import Size, mean, per_channel
from bilevel_jax.metrics.fusion.measure import Measure


@per_channel
def standard_deviation(fused: Float[Array, "h w *c"], *, size: Size = None) -> Float[Array, ""]:
    """SD, which VIFB calls Variance: population standard deviation in grey levels; higher is better.

    Args:
        fused: in 0-255; the result is the mean over the channels.
        size: of the image in its array, see extent.py.
    """
    return jnp.sqrt(mean((fused - mean(fused, size)) ** 2, size))


MEASURES = (
    Measure(
        "SD",
        standard_deviation,
        "standard deviation of its grey levels",
        unit="grey levels",
        of_fused_alone=True,
        in_nine=True,
    ),
    Measure("Variance", standard_deviation, "standard deviation", family="vifb", of_fused_alone=True),
)
