"""Random keys of the images of a batch, made from the one draw that a prepared batch has for each image."""

import zlib

import jax
import jax.numpy as jnp
from jaxtyping import Float, PRNGKeyArray


def image_keys(draws: Float[jax.Array, " b"], purpose: str) -> PRNGKeyArray:
    """Returns a random key for each image, which its own draw and the purpose decide.

    Args:
        draws: `mix` of a prepared batch.
        purpose: such as the name of a task. Two purposes have different keys for the same image.
    """
    seeds = jax.lax.bitcast_convert_type(draws, jnp.uint32)
    return jax.vmap(lambda seed: jax.random.fold_in(jax.random.PRNGKey(seed), zlib.crc32(purpose.encode())))(seeds)
