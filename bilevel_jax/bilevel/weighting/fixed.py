"""Weights given once and for all."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel.option_checks import vector
from bilevel_jax.bilevel.weighting.weighting import Weighting, WeightingTraits


@WeightingTraits(
    paper="your `weights`",
    choose_for="weights that a sweep has found",
    example=lambda num_tasks: {"weights": tuple(1.0 + task for task in range(num_tasks))},
)
def fixed(weights: Sequence[float]) -> Weighting:
    """The weights that you give, unchanged.

    Needs nothing.

    Args:
      weights: K numbers; they need not sum to 1.
    """
    given = vector(weights)

    def init(num_tasks, key):
        del key
        if len(given) != num_tasks:
            raise ValueError(f"{len(given)} fixed weights for {num_tasks} tasks")
        return jnp.asarray(given, jnp.float32)

    def current(state):
        return jnp.asarray(given, jnp.float32) if isinstance(given, jax.Array) else state

    return Weighting("nothing", init, lambda _, state: (current(state), state))
