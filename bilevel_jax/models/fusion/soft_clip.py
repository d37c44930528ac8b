"""A clip to [0, 1] that keeps a gradient."""

import jax.numpy as jnp
from jaxtyping import Array, Float

BEYOND = 0.01  # slope outside [0, 1]: a clipped pixel still has a gradient


def soft_clip(image: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Returns the image with what leaves [0, 1] compressed to a hundredth."""
    inside = jnp.clip(image, 0.0, 1.0)
    return inside + BEYOND * (image - inside)
