"""Weights that are learned: each follows the inverse of its task's loss, one gradient step an update."""

import jax.numpy as jnp

from bilevel_jax.bilevel.weighting.weighting import Weighting, of_current_losses

MOST_CHANGE = 1.0  # of a logarithm in one step
LARGEST = 20.0  # of a logarithm


def learned_scales(factor: float, step_size: float) -> Weighting:
    """A Weighting by factor exp(s_k), where s descends on the sum over tasks of factor (exp(s_k) loss_k - s_k).

    The weights are those of s before the step, as where one optimizer moves s together with the parameters. A step
    changes each s_k by at most `MOST_CHANGE`, and keeps it within -`LARGEST` and `LARGEST`: a loss far from 1 can then
    neither overflow a weight nor throw it to 0 for good.
    """

    def init(num_tasks, key):
        del key
        return jnp.zeros((num_tasks,), jnp.float32)

    def weigh(losses, scales, present):
        change = step_size * factor * (1 - jnp.exp(scales) * losses.astype(jnp.float32))
        moved = jnp.clip(scales + jnp.clip(change, -MOST_CHANGE, MOST_CHANGE), -LARGEST, LARGEST)
        following = jnp.where(present & jnp.isfinite(losses), moved, scales)
        return factor * jnp.exp(scales), following.astype(jnp.float32)

    return of_current_losses(init, weigh)
