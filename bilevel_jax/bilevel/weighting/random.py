"""Weights drawn anew at each update."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits


@WeightingTraits(
    promises=[Promise.ONE_TASK_UNCHANGED],
    paper="Lin et al. 2022; Liu et al. 2023",
    choose_for="the fusion paper's rule: one pull a step, and a strong baseline over long runs",
)
def random() -> Weighting:
    """The weights softmax(z) with z ~ N(0, I_K), drawn anew at each update.

    Needs nothing.

    References:
      Lin et al., Reasonable Effectiveness of Random Weighting, TMLR 2022 (arXiv 2111.10603); the dynamic aggregation
      of Liu et al., Bi-level Dynamic Learning, IJCAI 2023 (arXiv 2305.06720).
    """

    def init(num_tasks, key):
        # The number of tasks travels as a shape, so that the state holds nothing but arrays.
        return {"key": key, "logits": jnp.zeros((num_tasks,), jnp.float32)}

    def weigh(_, state):
        key, draw = jax.random.split(state["key"])
        logits = jax.random.normal(draw, state["logits"].shape, jnp.float32)
        return jax.nn.softmax(logits), {"key": key, "logits": logits}

    return Weighting("nothing", init, weigh)
