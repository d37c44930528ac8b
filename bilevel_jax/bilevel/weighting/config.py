"""Conflict-free inverse gradients."""

from collections.abc import Sequence

import jax.numpy as jnp

from bilevel_jax.bilevel.weighting.small_quadratic_programs import normalised, pseudo_inverse_apply
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits, with_preference


@WeightingTraits(
    promises=[Promise.ONE_TASK_UNCHANGED, Promise.NO_CONFLICT, Promise.SYMMETRIC, "equal cosines"],
    paper="Liu et al. 2025, eq. 2-4",
    choose_for="physics-informed losses: few tasks with sharp conflicts",
)
def config(preference: Sequence[float] | None = None) -> Weighting:
    """The direction with equal cosines to all task gradients, as long as the sum of their projections.

    Needs the Gramian. d = (sum <g_i, u>) u, where u is the unit vector along U^+ 1 and U holds the unit task gradients.
    The update conflicts with no task where the gradients are linearly independent.

    Args:
      preference: K proportions of the cosines in place of equal ones, at least 0.

    References:
      Liu, Chu and Thuerey, ConFIG: Towards Conflict-free Training of Physics Informed Neural Networks, ICLR 2025
      (arXiv 2408.11104), equations 2-4.
    """

    def weights(matrix, preferred):
        cosines, norms = normalised(matrix)
        proportions = jnp.where(jnp.diagonal(cosines) > 0, preferred * matrix.shape[0], 0.0)
        found = pseudo_inverse_apply(cosines, proportions)
        aligned = cosines @ found
        squared = jnp.maximum(found @ aligned, 0.0)
        some = squared > jnp.finfo(squared.dtype).eps  # else only rounding is left, as for opposite gradients
        length = jnp.sum(norms * aligned) / jnp.where(some, squared, 1.0)
        return jnp.where(some, length * found / norms, 0.0)

    return with_preference("gramian", weights, preference)
