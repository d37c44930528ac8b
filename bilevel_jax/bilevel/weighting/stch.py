"""Smooth Tchebycheff scalarization."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel.option_checks import surely, vector
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits, of_current_losses


@WeightingTraits(
    promises=[Promise.ONE_TASK_UNCHANGED, Promise.SYMMETRIC],
    paper="Lin et al. 2024",
    choose_for="comparable losses of which the largest must fall, at one pull a step. With `preference` it reaches a "
    "chosen trade-off, also where the Pareto front is not convex",
)
def stch(mu: float = 0.1, preference: Sequence[float] | None = None, ideal: Sequence[float] | None = None) -> Weighting:
    """The gradient of a smooth maximum of the losses: the weights p_k softmax(p (loss - z) / mu)_k.

    Needs current losses. mu log(sum over tasks of exp(p_k (loss_k - z_k) / mu)) tends to the largest
    p_k (loss_k - z_k) as mu falls. The weights are not scale-free: a task whose loss is in larger units takes all the
    weight. Bring such losses to one size by `preference`. The weights sum to at most the largest p_k.

    Args:
      mu: smoothing, above 0, in units of p_k loss_k. The paper tries 0.01 to 1.
      preference: p, K numbers, at least 0. None: 1/K for each of the K tasks, of those that are present.
      ideal: z, K numbers below the losses, such as each task's loss when it is trained alone. None: 0.

    References:
      Lin et al., Smooth Tchebycheff Scalarization for Multi-Objective Optimization, ICML 2024
      (arXiv 2402.19078).
    """
    if surely(mu <= 0):
        raise ValueError(f"stch needs mu > 0, got {mu}")
    preference, ideal = (None if values is None else vector(values) for values in (preference, ideal))
    if preference is not None and any(surely(value < 0) for value in preference):
        raise ValueError(f"a preference must not be negative, got {preference}")

    def init(num_tasks, key):
        del key
        for name, values in (("preference", preference), ("ideal", ideal)):
            if values is not None and len(values) != num_tasks:
                raise ValueError(f"{len(values)} values of {name} for {num_tasks} tasks")
        return ()

    def weigh(losses, state, present):
        number = jnp.maximum(jnp.sum(present, dtype=jnp.float32), 1.0)
        proportions = 1.0 / number if preference is None else jnp.asarray(preference, jnp.float32)
        above = losses.astype(jnp.float32) - (0.0 if ideal is None else jnp.asarray(ideal, jnp.float32))
        products = jnp.where(present, proportions * above, -jnp.inf)
        largest = jnp.max(products)
        largest = jnp.where(jnp.isneginf(largest), 0.0, largest)  # no task is present
        return proportions * jax.nn.softmax((products - largest) / mu, where=present), state

    return of_current_losses(init, weigh)
