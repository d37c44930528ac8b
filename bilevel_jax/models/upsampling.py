"""Enlarging what a stride made smaller."""

import jax


def finer(x: jax.Array, factor: int, size: tuple[int, int]) -> jax.Array:
    """Returns `x` [B,H,W,C] enlarged bilinearly by a whole factor and cut to `size`, which a stride had rounded up."""
    if factor > 1:
        shape = (x.shape[0], factor * x.shape[1], factor * x.shape[2], x.shape[3])
        x = jax.image.resize(x, shape, "bilinear")
    return x[:, : size[0], : size[1]]
