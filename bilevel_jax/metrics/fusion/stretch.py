"""The min-max stretch that three of VIFB's measures start with."""

import jax
import jax.numpy as jnp

from bilevel_jax.metrics.fusion.extent import Size, extremes


def stretched(image: jax.Array, size: Size = None) -> jax.Array:
    """The image's own range stretched to the whole numbers 0 ... 255: [..., H, W] -> [..., H, W].

    NaN for a constant image, which has no range. Each image of a stack has its own range.
    """
    least, greatest = (value[..., None, None] for value in extremes(image, size))
    # The barriers keep XLA from multiplying by a reciprocal, and from joining the product with the sum below to one
    # multiply-add: a range of 170 levels has a half at every second one, and those would go down here and there, which
    # costs Qcv 3e-4.
    span = jax.lax.optimization_barrier(jnp.broadcast_to(greatest - least, image.shape))
    levels = jax.lax.optimization_barrier((image - least) / span * 255)
    return jnp.floor(levels + 0.5)
