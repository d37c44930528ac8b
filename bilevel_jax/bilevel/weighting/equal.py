"""Equal weights."""

import jax.numpy as jnp

from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits


@WeightingTraits(
    promises=[Promise.ONE_TASK_UNCHANGED, Promise.SYMMETRIC],
    paper="the mean",
    choose_for="the baseline that every other weighting has to beat; losses whose weights are tuned already",
)
def equal() -> Weighting:
    """The weights 1/K: the mean of the task gradients.

    Needs nothing.
    """

    def init(num_tasks, key):
        del key
        return jnp.full((num_tasks,), 1.0 / num_tasks, jnp.float32)

    def weigh(_, state):
        return state, state

    return Weighting("nothing", init, weigh)
