"""Enlarging features: the inverse of a stride or of a halving."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def finer(x: Float[Array, "b h2 w2 c"], factor: int, size: Sequence[int]) -> Float[Array, "b h w c"]:
    """Returns `x` enlarged bilinearly by a whole factor and cut to `size` = (h, w), which a stride had rounded up."""
    if factor > 1:
        shape = (x.shape[0], factor * x.shape[1], factor * x.shape[2], x.shape[3])
        x = jax.image.resize(x, shape, "bilinear")
    return x[:, : size[0], : size[1]]


def doubled(features: Float[Array, "b h2 w2 c"], height: int, width: int) -> Float[Array, "b h w c"]:
    """Repeats every pixel in both directions and cuts to `height` x `width`; its gradient is a fast sum on a CPU."""
    return jnp.repeat(jnp.repeat(features, 2, axis=1), 2, axis=2)[:, :height, :width]
