"""One step of a run with a learned loss: T steps of the fusion network on the loss, then one step of the loss."""

import jax
import jax.numpy as jnp
import optax
from ml_collections import ConfigDict

from bilevel_jax.bilevel import BilevelProblem
from bilevel_jax.bilevel.loops import repeated, unrolls
from bilevel_jax.bilevel.trees import PyTree, stacked
from bilevel_jax.report import metric_names
from bilevel_jax.training.config import semantic_tasks
from bilevel_jax.training.estimators import estimator_factory, takes_steps
from bilevel_jax.training.learned_loss.problem import LearnedLossProblem, learned_loss_problem, learned_terms, shares
from bilevel_jax.training.learned_loss.state import LearnedLossState
from bilevel_jax.training.optimizers import optimizer
from bilevel_jax.training.prepared_batch import DeviceBatch, PreparedBatch, prepare
from bilevel_jax.training.step import in_each_array, present_tasks
from bilevel_jax.training.stop_on_nan import Metrics


def round_step(
    state: LearnedLossState,
    outer_batch: DeviceBatch,
    *inner_batches: DeviceBatch,
    config: ConfigDict,
    problem: BilevelProblem,
) -> tuple[LearnedLossState, Metrics]:
    """Takes T steps of the fusion network on the learned loss, and one step of the loss on their hypergradient.

    The fusion network goes on from where it is, and stays where it arrives. The semantic networks are constants here.
    An outer batch without a label for any task has no gradient, and then the loss, its optimizer and what the estimator
    keeps stay as they are.

    Args:
        state: before the step.
        outer_batch: the pairs of the outer loss.
        inner_batches: one batch for each of the T steps.
        config: a checked configuration with a learned loss.
        problem: of this configuration.

    Returns:
        The state, whose `step` counts T more unless the semantic networks already counted them, and the metrics.
    """
    keys = [jax.random.fold_in(state.key, 3 * state.step + place) for place in (1, 2)]
    outer_part = prepare(outer_batch, keys[0])
    inner_part = stacked([prepare(batch, jax.random.fold_in(keys[1], t)) for t, batch in enumerate(inner_batches)])
    losses = learned_loss_problem(config, problem, state.inner_params)
    estimator = estimator_factory(config)(losses.outer_loss, losses.inner_loss, has_aux=True)
    (fusion_state,), (loss_optimizer_state, kept) = state.outer_state, state.loss_state
    metrics: Metrics = {}
    if takes_steps(config):
        estimate = estimator.estimate(state.loss_params, state.outer_params, outer_part, inner_part, fusion_state)
        fusion_params, fusion_state, after_kept = estimate.inner_params, estimate.state, kept
    else:
        fusion_params, fusion_state = _fusion_steps(config, losses, state, inner_part, len(inner_batches))
        last = jax.tree.map(lambda leaf: leaf[-1], inner_part)
        estimate = estimator.estimate(state.loss_params, fusion_params, outer_part, last, kept)
        after_kept = estimate.state
    if "inner_loss" in estimate.aux:
        metrics[metric_names.loss("visual", metric_names.INNER)] = estimate.aux["inner_loss"]
    for task, value in estimate.aux["outer_aux"].items():
        metrics[metric_names.loss(task, metric_names.OUTER)] = value
    if "rho" in estimate.aux:
        metrics[metric_names.of_task(metric_names.RHO, "visual")] = estimate.aux["rho"]
    metrics[metric_names.OUTER_UPDATE_NORM] = optax.global_norm(estimate.outer_grad)

    updates, moved = optimizer(config.learned_loss).update(estimate.outer_grad, loss_optimizer_state, state.loss_params)
    after = optax.apply_updates(state.loss_params, updates), (moved, after_kept)
    present = dict(zip(problem.tasks, present_tasks(config, problem, outer_part, None), strict=True))
    labelled = jnp.any(jnp.stack([present[task] for task in semantic_tasks(config)]))
    metrics[metric_names.NO_TASK] = 1.0 - labelled.astype(jnp.float32)
    loss_params, loss_state = in_each_array(labelled, after, (state.loss_params, state.loss_state))
    metrics |= _weights(config, loss_params, outer_part)
    counted = any(block.trainable for block in semantic_tasks(config).values())
    state = state.replace(
        step=state.step + (0 if counted else len(inner_batches)),
        outer_params=fusion_params,
        outer_state=(fusion_state,),
        loss_params=loss_params,
        loss_state=loss_state,
    )
    return state, metrics


def _fusion_steps(
    config: ConfigDict, losses: LearnedLossProblem, state: LearnedLossState, batches: PyTree, steps: int
) -> tuple[PyTree, optax.OptState]:
    """Returns the fusion network and the state of its optimizer after the inner steps."""
    own = optimizer(config.outer, differentiated=True)  # so that the estimator does not change the steps

    def step(carry: PyTree, batch: PyTree) -> PyTree:
        params, opt_state = carry
        gradient, _ = jax.grad(losses.inner_loss, argnums=1, has_aux=True)(state.loss_params, params, batch)
        updates, opt_state = own.update(gradient, opt_state, params)
        return optax.apply_updates(params, updates), opt_state

    return repeated(step, (state.outer_params, state.outer_state[0]), steps, unrolls("auto", steps), batches)


def _weights(config: ConfigDict, loss_params: PyTree, batch: PreparedBatch) -> Metrics:
    """Returns the share of each term in the loss; of a map its mean over the batch, and how far it varies there."""
    factors = shares(config, loss_params, batch)
    metrics: Metrics = {}
    for number, name in enumerate(learned_terms(config)):
        own = factors[..., number]
        metrics[metric_names.learned_weight(name)] = jnp.mean(own)
        if own.ndim:
            metrics[metric_names.learned_weight_spread(name)] = jnp.std(own)
    return metrics
