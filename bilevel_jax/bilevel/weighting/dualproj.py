"""The projection of the mean gradient onto the dual cone."""

from collections.abc import Sequence

from bilevel_jax.bilevel.weighting.small_quadratic_programs import into_dual_cone
from bilevel_jax.bilevel.weighting.weighting import Weighting, with_preference


def dualproj(preference: Sequence[float] | None = None) -> Weighting:
    """The mean gradient, projected onto the cone of directions that conflict with no task; needs the Gramian.

    `preference` [K] takes the place of the weights 1/K of the mean.

    References:
      Lopez-Paz and Ranzato, Gradient Episodic Memory for Continual Learning, NeurIPS 2017 (arXiv 1706.08840), eq. 11.
    """
    return with_preference("gramian", into_dual_cone, preference)
