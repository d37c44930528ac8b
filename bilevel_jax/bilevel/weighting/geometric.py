"""The geometric mean of the losses."""

import jax.numpy as jnp

from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits, of_current_losses

LEAST = 1e-8


@WeightingTraits(
    promises=[Promise.ONE_TASK_UNCHANGED, Promise.SYMMETRIC, "direction free of the losses' units"],
    paper="Chennupati et al. 2019",
    choose_for="positive losses in different units, without any option or state, at one pull a step. The loss that is "
    "nearest to 0 leads",
)
def geometric() -> Weighting:
    """The gradient of the geometric mean L of the losses: the weights L / (K loss_k).

    Needs current losses, which must not be negative. A factor on one loss changes the length of the update and not its
    direction. A loss below 1e-8 counts as 1e-8, so that a loss of 0 has a finite weight. A negative loss makes the
    update NaN, because the mean is not defined.

    References:
      Chennupati et al., MultiNet++: Multi-Stream Feature Aggregation and Geometric Loss Strategy for Multi-Task
      Learning, CVPR Workshops 2019 (arXiv 1904.08492).
    """

    def weigh(losses, state, present):
        losses = losses.astype(jnp.float32)
        logs = jnp.log(jnp.where(losses < 0, jnp.nan, jnp.maximum(losses, LEAST)))
        number = jnp.maximum(jnp.sum(present, dtype=jnp.float32), 1.0)
        mean = jnp.sum(jnp.where(present, logs, 0.0)) / number
        return jnp.exp(mean - logs) / number, state

    return of_current_losses(lambda num_tasks, key: (), weigh)
