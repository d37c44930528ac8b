"""The mean of the projections of the task gradients onto the dual cone."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel.weighting.small_quadratic_programs import into_dual_cone
from bilevel_jax.bilevel.weighting.weighting import Weighting, with_preference


def upgrad(preference: Sequence[float] | None = None) -> Weighting:
    """Each task gradient is projected onto the cone of non-conflicting directions, then the mean is taken.

    Needs the Gramian. The result conflicts with no task, and grows linearly with each gradient. `preference` [K]
    takes the place of the weights 1/K of the mean.

    References:
      Quinton and Rey, Jacobian Descent for Multi-Objective Optimization, 2024 (arXiv 2406.16232), equation 3.
    """

    def weights(matrix, preferred):
        return jnp.sum(jax.vmap(into_dual_cone, in_axes=(None, 0))(matrix, jnp.diag(preferred)), axis=0)

    return with_preference("gramian", weights, preference)
