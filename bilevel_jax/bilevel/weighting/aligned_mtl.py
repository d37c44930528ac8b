"""Alignment of the principal components of the gradients."""

from collections.abc import Sequence
from typing import Literal, get_args

import jax.numpy as jnp

from bilevel_jax.bilevel.trees import accumulator
from bilevel_jax.bilevel.weighting.small_quadratic_programs import normalised
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits, with_preference

Scale = Literal["min", "median", "rmse"]


@WeightingTraits(
    promises=[Promise.ONE_TASK_UNCHANGED, Promise.SYMMETRIC, "one singular value"],
    paper="Senushkin et al. 2023, alg. 1",
    choose_for='gradients that nearly cancel; "min" takes short steps where two are nearly parallel',
)
def aligned_mtl(scale_mode: Scale = "min", preference: Sequence[float] | None = None) -> Weighting:
    """The mean of task gradients whose Gramian is made a multiple of the identity.

    Needs the Gramian. All singular values of the stacked gradients are replaced by one value, the scale.

    The Gramian is computed in float64, because the smallest singular value of nearly parallel gradients is lost in
    float32. On accelerators without float64 pass `gramian_dtype="float32"` to `dynamic_aggregate`: a singular value
    below about 5e-4 of the largest may then count as 0, and the update jumps to the next one.

    Args:
      scale_mode: the scale: the smallest singular value that is not zero ("min"), their lower median ("median"), or
        the root of their mean square ("rmse").
      preference: K weights in place of 1/K, at least 0.

    References:
      Senushkin et al., Independent Component Alignment for Multi-Task Learning, CVPR 2023 (arXiv 2305.19000),
      algorithm 1 ("min"). The other scales are those of the authors' code.
    """
    if scale_mode not in get_args(Scale):
        raise ValueError(f"aligned_mtl needs scale_mode in {get_args(Scale)}, got {scale_mode!r}")

    def weights(matrix, preferred):
        size = matrix.shape[0]
        matrix = matrix.astype(accumulator(matrix.dtype))
        values, vectors = jnp.linalg.eigh(matrix)  # ascending
        # The rank is that of the cosines: a short gradient is no zero.
        spectrum = jnp.linalg.eigvalsh(normalised(matrix)[0])
        rank = jnp.sum(spectrum > 4 * size * jnp.finfo(values.dtype).eps)
        kept = (jnp.arange(size) >= size - rank) & (values > 0)
        rank = jnp.sum(kept)
        smallest = size - rank  # the index of the smallest eigenvalue kept
        if scale_mode == "rmse":
            scale = jnp.sum(jnp.where(kept, values, 0.0)) / jnp.maximum(rank, 1)
        else:
            index = smallest if scale_mode == "min" else smallest + (rank - 1) // 2
            scale = values[jnp.minimum(index, size - 1)]
        stretch = jnp.where(kept, jnp.sqrt(jnp.maximum(scale, 0.0) / jnp.where(kept, values, 1.0)), 0.0)
        return vectors @ (stretch * (vectors.T @ preferred.astype(values.dtype)))

    # Whether two gradients are parallel or nearly so is beyond the Gramian's rounding in float32.
    return with_preference("gramian", weights, preference)._replace(gramian_dtype="float64")
