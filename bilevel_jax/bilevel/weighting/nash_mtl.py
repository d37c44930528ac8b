"""The Nash bargaining solution."""

import jax.numpy as jnp

from bilevel_jax.bilevel.weighting.fair_products import fair_products
from bilevel_jax.bilevel.weighting.weighting import Weighting, without_state


def nash_mtl(max_norm: float = 1.0) -> Weighting:
    """The update of the Nash bargaining solution, G w = 1 / w: the product of the tasks' gains is largest.

    Needs the Gramian. Solved exactly (w minimises w^T G w / 2 - sum log w; the paper's own solver approximates). The
    update is independent of the gradients' scales; it is shortened to `max_norm` (0: left at its length, sqrt K).

    References:
      Navon et al., Multi-Task Learning as a Bargaining Game, ICML 2022 (arXiv 2202.01017), claim 3.1; `max_norm` is
      from its authors' code.
    """
    if max_norm < 0:
        raise ValueError(f"nash_mtl needs max_norm >= 0, got {max_norm}")

    def weights(matrix):
        found = fair_products(matrix, 1.0)
        if max_norm == 0:
            return found
        products = found * (matrix @ found)  # each 1 at the solution: no overflow at any scale of the gradients
        length = jnp.sqrt(jnp.maximum(jnp.sum(products), 0.0))
        return found * jnp.where(length > max_norm, max_norm / jnp.where(length > 0, length, 1.0), 1.0)

    return without_state("gramian", weights)
