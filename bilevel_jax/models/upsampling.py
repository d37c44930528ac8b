"""Enlarging features: the inverse of a stride."""

from collections.abc import Sequence

import jax
from jaxtyping import Array, Float


def finer(x: Float[Array, "b h2 w2 c"], factor: int, size: Sequence[int]) -> Float[Array, "b h w c"]:
    """Returns `x` enlarged bilinearly by a whole factor and cut to `size` = (h, w), which a stride had rounded up."""
    if factor > 1:
        shape = (x.shape[0], factor * x.shape[1], factor * x.shape[2], x.shape[3])
        x = jax.image.resize(x, shape, "bilinear")
    return x[:, : size[0], : size[1]]
