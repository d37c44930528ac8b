"""Weights given once and for all."""

from collections.abc import Sequence

import jax.numpy as jnp

from bilevel_jax.bilevel.weighting.weighting import Weighting


def fixed(weights: Sequence[float]) -> Weighting:
    """The weights [K] that are given, unchanged (they need not sum to 1); needs nothing."""
    weights = tuple(float(weight) for weight in weights)

    def init(num_tasks, key):
        del key
        if len(weights) != num_tasks:
            raise ValueError(f"{len(weights)} fixed weights for {num_tasks} tasks")
        return jnp.asarray(weights, jnp.float32)

    return Weighting("nothing", init, lambda _, state: (state, state))
