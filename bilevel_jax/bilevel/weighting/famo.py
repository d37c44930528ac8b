"""Fast adaptive multitask optimization."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import optax

from bilevel_jax.bilevel.option_checks import surely, vector
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits, of_current_losses

EPSILON = 1e-8  # added to every loss before its logarithm


@WeightingTraits(
    promises=[Promise.ONE_TASK_UNCHANGED, Promise.SYMMETRIC, "positive weights of sum 1"],
    paper="Liu et al. 2023, alg. 1",
    choose_for="many tasks in different units that should all improve at the same relative rate, at one pull a step",
)
def famo(step_size: float = 0.025, weight_decay: float = 1e-3, min_losses: Sequence[float] | None = None) -> Weighting:
    """Weights in proportion to softmax(xi)_k / (loss_k - b_k), where xi grows for tasks that fell more slowly.

    Needs current losses, which must not be below their bounds b. xi takes one step of Adam with weight decay, along the
    change of each log(loss_k - b_k) from one update to the next. With b = 0, a factor on one loss changes neither xi
    nor the direction of the update, as long as the loss is far above the 1e-8 that is added to it. A loss below its
    bound makes the update NaN, because it has no logarithm.

    Differs from the paper: the losses after a step are those of the NEXT update, on its batch. The paper evaluates them
    on the batch of the step, which takes one more forward pass. With batches that differ much in difficulty, xi follows
    them in part. Adam and its weight decay are those of the authors' release. A task that was absent is compared with
    the last update that it was present at, and while it is away its xi and its Adam state do not change.

    Args:
      step_size: rate of Adam on xi, above 0. The paper takes 0.025.
      weight_decay: factor of xi that is added to its gradient, at least 0.
      min_losses: b, K lower bounds of the losses. None: 0.

    References:
      Liu et al., FAMO: Fast Adaptive Multitask Optimization, NeurIPS 2023 (arXiv 2306.03792), algorithm 1.
    """
    if surely(step_size <= 0) or surely(weight_decay < 0):
        raise ValueError(f"famo needs step_size > 0 and weight_decay >= 0, got {step_size} and {weight_decay}")
    bounds = None if min_losses is None else vector(min_losses)
    adam = optax.chain(optax.add_decayed_weights(weight_decay), optax.adam(step_size))

    def init(num_tasks, key):
        del key
        if bounds is not None and len(bounds) != num_tasks:
            raise ValueError(f"{len(bounds)} values of min_losses for {num_tasks} tasks")
        zeros = jnp.zeros((num_tasks,), jnp.float32)
        # One Adam for each task, so that an absent task's stays as it is, its count of steps included.
        return {"logits": zeros, "adam": jax.vmap(adam.init)(zeros), "last": zeros, "seen": zeros.astype(bool)}

    def weigh(losses, state, present):
        above = losses.astype(jnp.float32) - (0.0 if bounds is None else jnp.asarray(bounds, jnp.float32))
        logs = jnp.log(above + EPSILON)
        comparable = present & state["seen"]
        fallen = jnp.where(comparable, state["last"] - logs, 0.0)
        shares = jax.nn.softmax(state["logits"], where=comparable)
        gradient = shares * (fallen - jnp.sum(shares * fallen))  # softmax's Jacobian times `fallen`
        with jax.numpy_dtype_promotion("standard"):  # optax raises a float to a whole number of steps
            steps, moved = jax.vmap(adam.update)(gradient, state["adam"], state["logits"])
        logits = jnp.where(comparable, state["logits"] + steps, state["logits"])
        kept = jax.tree.map(lambda new, old: jnp.where(comparable, new, old), moved, state["adam"])
        last = jnp.where(present, logs, state["last"])
        following = {"logits": logits, "adam": kept, "last": last, "seen": state["seen"] | present}
        return jax.nn.softmax(logits - logs, where=present), following

    return of_current_losses(init, weigh)
