"""Weights by excess risk."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.block_sums import sums_of_terms
from bilevel_jax.bilevel.option_checks import surely
from bilevel_jax.bilevel.trees import sum_of
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits


@WeightingTraits(
    promises=[Promise.ONE_TASK_UNCHANGED, Promise.SYMMETRIC, "positive weights of sum 1"],
    paper="He et al. 2024, eq. 6-9",
    choose_for="tasks of different label noise. Its state is as large as the stacked gradients. Start with "
    "`robust_step_size` 0.01: with 1 one of two tasks on digits starved",
)
def excess_mtl(robust_step_size: float = 1.0) -> Weighting:
    """Weights of sum 1 that grow exponentially with each task's excess risk relative to its first one.

    Needs the gradients. The excess risk of task k is estimated as g^T H^-1 g with the diagonal H = sqrt(sum over
    updates of g^2). The state holds these sums, which are as large as the stacked gradients, in float32.

    Args:
      robust_step_size: step size of the weights' exponential update, above 0.

    References:
      He et al., Robust Multi-Task Learning with Excess Risks, ICML 2024 (arXiv 2402.02009), equations 6, 7 and 9,
      with the scale processing of section 3.2.
    """
    if surely(robust_step_size <= 0):
        raise ValueError(f"excess_mtl needs robust_step_size > 0, got {robust_step_size}")

    def init_with_params(num_tasks, key, params):
        del key
        zeros = jnp.zeros((num_tasks,), jnp.float32)
        squares = trees.stacked([trees.wide_zeros(params)] * num_tasks)
        return {"log_weights": zeros, "first": zeros, "seen": zeros.astype(bool), "squares": squares}

    def init(num_tasks, key):
        raise ValueError("excess_mtl keeps a state as large as the gradients: use init_with_params")

    def weigh_present(grads, state, present):
        largest = jnp.finfo(jnp.float32).max / 4  # squares of gradients beyond 1e19 count as this much
        squares = jax.tree.map(
            lambda s, g: jnp.where(jnp.isinf(g), jnp.inf, jnp.minimum(s + g.astype(s.dtype) ** 2, largest)),
            state["squares"],
            grads,
        )

        def excess(stack, total):
            def terms(stack, total):
                square = jnp.minimum(stack.astype(total.dtype) ** 2, largest)
                return list(square * jax.lax.rsqrt(total + 1e-7))

            return jnp.stack(sums_of_terms(terms, stack, total))

        risk = sum_of(jax.tree.leaves(jax.tree.map(excess, grads, squares))).astype(jnp.float32)
        started = state["seen"]
        first = jnp.where(started, state["first"], risk)  # an absent task's risk is 0, and it is not seen yet
        unknown = jnp.where(started & (risk == 0), 0.0, 1.0)  # a risk that was 0 at first has no ratio
        ratio = jnp.where(first > 0, risk / jnp.where(first > 0, first, 1.0), unknown)
        # In log space and centred, a very large ratio saturates the weights; it never overflows.
        logits = state["log_weights"] + robust_step_size * jnp.where(present, ratio, 0.0)
        weights = jnp.where(present, jax.nn.softmax(jnp.where(present, logits, -jnp.inf)), 0.0)
        log_weights, seen = jax.nn.log_softmax(logits), started | present
        following = {"log_weights": log_weights, "first": first, "seen": seen, "squares": squares}
        return trees.weighted_sum(weights, grads), following

    def weigh(grads, state):
        return weigh_present(grads, state, jnp.ones_like(state["seen"]))

    return Weighting("gradients", init, weigh, init_with_params, weigh_present)
