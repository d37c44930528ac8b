"""The mean of the projections of the task gradients onto the dual cone."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel.weighting.small_quadratic_programs import into_dual_cone
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits, with_preference


@WeightingTraits(
    promises=[Promise.ONE_TASK_UNCHANGED, Promise.NO_CONFLICT, Promise.SYMMETRIC, "grows linearly with each gradient"],
    paper="Quinton & Rey 2024, eq. 3",
    choose_for="the first one to try against conflicts; where nothing conflicts it is the mean",
)
def upgrad(preference: Sequence[float] | None = None) -> Weighting:
    """The mean of the task gradients, each projected onto the cone of directions that conflict with no task.

    Needs the Gramian. The result conflicts with no task, and grows linearly with each gradient.

    Args:
      preference: K weights of the mean in place of 1/K, at least 0.

    References:
      Quinton and Rey, Jacobian Descent for Multi-Objective Optimization, 2024 (arXiv 2406.16232), equation 3.
    """

    def weights(matrix, preferred):
        return jnp.sum(jax.vmap(into_dual_cone, in_axes=(None, 0))(matrix, jnp.diag(preferred)), axis=0)

    return with_preference("gramian", weights, preference)
