"""The projection of the mean gradient onto the dual cone."""

from collections.abc import Sequence

from bilevel_jax.bilevel.weighting.small_quadratic_programs import into_dual_cone
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits, with_preference


@WeightingTraits(
    promises=[Promise.ONE_TASK_UNCHANGED, Promise.NO_CONFLICT, Promise.SYMMETRIC],
    paper="Lopez-Paz & Ranzato 2017, eq. 11",
    choose_for="a preferred mix of the tasks that must hurt none of them",
)
def dualproj(preference: Sequence[float] | None = None) -> Weighting:
    """The mean gradient, projected onto the cone of directions that conflict with no task.

    Needs the Gramian.

    Args:
      preference: K weights of the mean in place of 1/K, at least 0.

    References:
      Lopez-Paz and Ranzato, Gradient Episodic Memory for Continual Learning, NeurIPS 2017 (arXiv 1706.08840), eq. 11.
    """
    return with_preference("gramian", into_dual_cone, preference)
