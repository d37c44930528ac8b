"""Weights drawn from a Dirichlet distribution at each update."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel.option_checks import surely
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits


@WeightingTraits(
    promises=[Promise.ONE_TASK_UNCHANGED],
    paper="Lin et al. 2022, sec. 4",
    choose_for="the same as `random`, where you want to set how far the weights stray",
)
def dirichlet(alpha: float = 1.0) -> Weighting:
    """Weights drawn from the symmetric Dirichlet(alpha) distribution on the simplex, anew at each update.

    Needs nothing.

    Args:
      alpha: concentration, above 0. 1 draws uniformly; larger values draw nearer to equal weights, smaller values
        nearer to one task alone.

    References:
      Lin et al., Reasonable Effectiveness of Random Weighting, TMLR 2022 (arXiv 2111.10603), section 4.
    """
    if surely(alpha <= 0):
        raise ValueError(f"dirichlet needs alpha > 0, got {alpha}")

    def init(num_tasks, key):
        return {"key": key, "drawn": jnp.zeros((num_tasks,), jnp.float32)}

    def weigh(_, state):
        key, draw = jax.random.split(state["key"])
        concentration = jnp.full(state["drawn"].shape, alpha, jnp.float32)
        drawn = jax.random.dirichlet(draw, concentration, dtype=jnp.float32)
        return drawn, {"key": key, "drawn": drawn}

    return Weighting("nothing", init, weigh)
