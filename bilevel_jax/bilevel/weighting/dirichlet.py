"""Weights drawn from a Dirichlet distribution at each update."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel.weighting.weighting import Weighting


def dirichlet(alpha: float = 1.0) -> Weighting:
    """Weights drawn from the symmetric Dirichlet(alpha) on the simplex at each update; needs nothing.

    `alpha` = 1 draws uniformly; larger values draw nearer to equal weights, smaller ones nearer to one task alone.

    References:
      Lin et al., Reasonable Effectiveness of Random Weighting, TMLR 2022 (arXiv 2111.10603), section 4.
    """
    if alpha <= 0:
        raise ValueError(f"dirichlet needs alpha > 0, got {alpha}")

    def init(num_tasks, key):
        return {"key": key, "drawn": jnp.zeros((num_tasks,), jnp.float32)}

    def weigh(_, state):
        key, draw = jax.random.split(state["key"])
        concentration = jnp.full(state["drawn"].shape, alpha, jnp.float32)
        drawn = jax.random.dirichlet(draw, concentration, dtype=jnp.float32)
        return drawn, {"key": key, "drawn": drawn}

    return Weighting("nothing", init, weigh)
