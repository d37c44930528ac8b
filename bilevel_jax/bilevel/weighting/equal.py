"""Equal weights."""

import jax.numpy as jnp

from bilevel_jax.bilevel.weighting.weighting import Weighting


def equal() -> Weighting:
    """The weights 1/K: the mean of the task gradients; needs nothing."""

    def init(num_tasks, key):
        del key
        return jnp.full((num_tasks,), 1.0 / num_tasks, jnp.float32)

    def weigh(_, state):
        return state, state

    return Weighting("nothing", init, weigh)
