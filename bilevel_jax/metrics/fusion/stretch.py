"""The min-max stretch that three of VIFB's measures start with."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.metrics.fusion.extent import Size, extremes


def stretched(image: Float[Array, "*n h w"], size: Size = None) -> Float[Array, "*n h w"]:
    """The range of each image stretched to the whole numbers 0 ... 255; NaN for a constant image."""
    least, greatest = (value[..., None, None] for value in extremes(image, size))
    # The barriers keep XLA from multiplying by a reciprocal, and from joining the product with the sum below to one
    # multiply-add. In a range of 170 levels every second level lies at a half, and some of these would be rounded down.
    span = jax.lax.optimization_barrier(jnp.broadcast_to(greatest - least, image.shape))
    levels = jax.lax.optimization_barrier((image - least) / span * 255)
    return jnp.floor(levels + 0.5)
