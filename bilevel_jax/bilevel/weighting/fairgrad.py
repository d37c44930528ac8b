"""Alpha-fair gradients."""

import jax.numpy as jnp

from bilevel_jax.bilevel.weighting.fair_products import fair_products
from bilevel_jax.bilevel.weighting.weighting import Weighting, without_state


def fairgrad(alpha: float = 2.0) -> Weighting:
    """The update that is alpha-fair to the tasks' gains, G w = w^(-1/alpha); needs the Gramian.

    `alpha` = 0 is the mean, 1 proportional fairness (the Nash bargaining solution, not shortened), larger values
    come nearer to max-min fairness.

    References:
      Ban and Ji, Fair Resource Allocation in Multi-Task Learning, ICML 2024 (arXiv 2402.15638), equation 6.
    """
    if alpha < 0:
        raise ValueError(f"fairgrad needs alpha >= 0, got {alpha}")

    def weights(matrix):
        if alpha == 0:
            return jnp.full((matrix.shape[0],), 1.0 / matrix.shape[0], matrix.dtype)
        return fair_products(matrix, alpha)

    return without_state("gramian", weights)
