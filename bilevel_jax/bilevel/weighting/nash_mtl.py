"""The Nash bargaining solution."""

import jax.numpy as jnp

from bilevel_jax.bilevel.option_checks import surely
from bilevel_jax.bilevel.weighting.fair_products import fair_products
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits, without_state


@WeightingTraits(
    promises=[Promise.NO_CONFLICT, Promise.SCALE_FREE, Promise.SYMMETRIC],
    paper="Navon et al. 2022, claim 3.1",
    choose_for="losses in different units that also conflict",
)
def nash_mtl(max_norm: float = 1.0) -> Weighting:
    """The update of the Nash bargaining solution, which makes the product of the tasks' gains largest.

    Needs the Gramian. The weights w solve G w = 1 / w; they minimise w^T G w / 2 - sum log w. They are exact; the
    paper's own solver approximates them. The update does not depend on the gradients' lengths.

    Args:
      max_norm: the update is shortened to this length, at least 0. 0 leaves its length, sqrt(K).

    References:
      Navon et al., Multi-Task Learning as a Bargaining Game, ICML 2022 (arXiv 2202.01017), claim 3.1. `max_norm` is
      from the authors' code.
    """
    if surely(max_norm < 0):
        raise ValueError(f"nash_mtl needs max_norm >= 0, got {max_norm}")

    def weights(matrix):
        found = fair_products(matrix, 1.0)
        if surely(max_norm == 0):
            return found
        products = found * (matrix @ found)  # each 1 at the solution: no overflow at any scale of the gradients
        length = jnp.sqrt(jnp.maximum(jnp.sum(products), 0.0))
        return found * jnp.where(length > max_norm, max_norm / jnp.where(length > 0, length, 1.0), 1.0)

    return without_state("gramian", weights, degree=-1.0)
