"""Alpha-fair gradients."""

import jax.numpy as jnp

from bilevel_jax.bilevel.option_checks import surely
from bilevel_jax.bilevel.weighting.fair_products import fair_products
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits, without_state


@WeightingTraits(
    promises=[Promise.NO_CONFLICT, Promise.SYMMETRIC],
    paper="Ban & Ji 2024, eq. 6",
    choose_for="a choice of fairness: `alpha` leads from the mean (0) over Nash (1) to max-min",
)
def fairgrad(alpha: float = 2.0) -> Weighting:
    """The update that is alpha-fair to the tasks' gains: the weights w solve G w = w^(-1/alpha).

    Needs the Gramian.

    Args:
      alpha: at least 0. 0 is the mean; 1 is proportional fairness (the Nash bargaining solution, not shortened);
        larger values come nearer to max-min fairness.

    References:
      Ban and Ji, Fair Resource Allocation in Multi-Task Learning, ICML 2024 (arXiv 2402.15638), equation 6.
    """
    if surely(alpha < 0):
        raise ValueError(f"fairgrad needs alpha >= 0, got {alpha}")

    def weights(matrix):
        if surely(alpha == 0):
            return jnp.full((matrix.shape[0],), 1.0 / matrix.shape[0], matrix.dtype)
        return fair_products(matrix, alpha)

    return without_state("gramian", weights, degree=-2.0 * alpha / (1.0 + alpha))
