"""Alignment of the principal components of the gradients."""

from collections.abc import Sequence

import jax.numpy as jnp

from bilevel_jax.bilevel.trees import accumulator
from bilevel_jax.bilevel.weighting.weighting import Weighting, with_preference

SCALES = ("min", "median", "rmse")


def aligned_mtl(scale_mode: str = "min", preference: Sequence[float] | None = None) -> Weighting:
    """The mean of task gradients whose Gramian is made a multiple of the identity; needs the Gramian.

    The singular values of the stacked gradients are replaced by one: the smallest that is not zero ("min"), the lower
    median ("median") or the root of their mean square ("rmse"). `preference` [K] takes the place of 1/K.

    References:
      Senushkin et al., Independent Component Alignment for Multi-Task Learning, CVPR 2023 (arXiv 2305.19000),
      algorithm 1 ("min"); the other scales are those of its authors' code.
    """
    if scale_mode not in SCALES:
        raise ValueError(f"aligned_mtl needs scale_mode in {SCALES}, got {scale_mode!r}")

    def weights(matrix, preferred):
        size = matrix.shape[0]
        values, vectors = jnp.linalg.eigh(matrix.astype(accumulator(matrix.dtype)))  # ascending
        kept = (values > size * jnp.finfo(values.dtype).eps * values[-1]) & (values > 0)
        rank = jnp.sum(kept)
        smallest = size - rank  # the index of the smallest eigenvalue kept
        if scale_mode == "rmse":
            scale = jnp.sum(jnp.where(kept, values, 0.0)) / jnp.maximum(rank, 1)
        else:
            index = smallest if scale_mode == "min" else smallest + (rank - 1) // 2
            scale = values[jnp.minimum(index, size - 1)]
        stretch = jnp.where(kept, jnp.sqrt(jnp.maximum(scale, 0.0) / jnp.where(kept, values, 1.0)), 0.0)
        return vectors @ (stretch * (vectors.T @ preferred.astype(values.dtype)))

    return with_preference("gramian", weights, preference)
