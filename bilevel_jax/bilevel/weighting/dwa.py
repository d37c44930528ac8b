"""Dynamic weight average."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel.option_checks import surely
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits


@WeightingTraits(
    promises=[Promise.ONE_TASK_UNCHANGED, "positive weights of sum 1"],
    paper="Liu et al. 2019, eq. 7",
    choose_for="losses that fall at different speeds, at one pull a step",
)
def dwa(T: float = 2.0, window: int = 1) -> Weighting:
    """The softmax of r_k / T, where r_k is the ratio of task k's mean losses over its last two windows.

    Needs losses, which must be positive. A task whose loss falls slowly weighs more. The weights change once a window;
    they are equal until two windows are complete. The paper's weights sum to K, these sum to 1. A ratio to a loss of 0
    counts as 1.

    An absent task keeps its history: a window without it changes neither of its two means. In a window that it is away
    from now and then, a step without it counts as the mean of the steps before, or as the first one with it.

    Args:
      T: temperature of the softmax, above 0; the larger, the nearer to equal weights.
      window: number of updates whose losses are averaged, at least 1. The paper averages over an epoch.

    References:
      Liu, Johns and Davison, End-to-End Multi-Task Learning with Attention, CVPR 2019 (arXiv 1803.10704), eq. 7.
    """
    if surely(T <= 0) or window < 1:
        raise ValueError(f"dwa needs T > 0 and window >= 1, got T={T}, window={window}")

    def init(num_tasks, key):
        del key
        return {
            "sum": jnp.zeros((num_tasks,), jnp.float32),  # of the window in progress
            "last": jnp.zeros((num_tasks,), jnp.float32),  # means of the last two complete windows
            "previous": jnp.zeros((num_tasks,), jnp.float32),
            "count": jnp.zeros((), jnp.int32),
        }

    def weigh(losses, state):
        return weights_after(state["sum"] + losses.astype(jnp.float32), state, True)

    def weigh_present(losses, state, present):
        steps = (state["count"] % window).astype(jnp.float32)  # of the window in progress
        away = state["sum"] * ((steps + 1) / jnp.maximum(steps, 1))  # the mean stays; 0 = it was away from all of them
        there = jnp.where(state["sum"] > 0, state["sum"] + losses, (steps + 1) * losses)
        total = jnp.where(present, there, away)
        return weights_after(total, state, total > 0)

    def weights_after(total, state, seen):
        count = state["count"] + 1
        complete = count % window == 0
        last = jnp.where(complete & seen, total / window, state["last"])
        previous = jnp.where(complete & seen, state["last"], state["previous"])
        known = (count >= 2 * window) & (previous > 0)
        ratios = jnp.where(known, last / jnp.where(known, previous, 1.0), 1.0)
        following = {"sum": jnp.where(complete, 0.0, total), "last": last, "previous": previous, "count": count}
        return jax.nn.softmax(ratios / T), following

    return Weighting("losses", init, weigh, weigh_present=weigh_present)
