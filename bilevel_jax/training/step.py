"""The pure steps of training: state and batch in, state and metrics out.

Each step takes `axis_name`, so that it also runs inside a user's pmap or shard_map. `make_steps` jits them.
"""

import itertools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool
from ml_collections import ConfigDict

from bilevel_jax.bilevel import (
    BilevelProblem,
    find_state,
    inner_gradients,
    outer_gradient,
    outer_gradient_report,
    reduce_loss,
    trees,
)
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.report import metric_names
from bilevel_jax.training.accumulation import mean_over_parts
from bilevel_jax.training.config import semantic_tasks
from bilevel_jax.training.estimators import estimator_factory
from bilevel_jax.training.prepared_batch import DeviceBatch, PreparedBatch, prepare
from bilevel_jax.training.state import Optimizers, TrainState
from bilevel_jax.training.stop_on_nan import Metrics
from bilevel_jax.training.tasks import SEMANTIC_TASKS
from bilevel_jax.training.tasks.visual import appearance_loss, has_visual_loss
from bilevel_jax.training.weightings import weights_of_one_pull


def warm_start_step(
    state: TrainState,
    batch: DeviceBatch,
    *,
    config: ConfigDict,
    problem: BilevelProblem,
    optimizers: Optimizers,
    axis_name: str | None = None,
) -> tuple[TrainState, Metrics]:
    """Takes one step of the fusion network alone on `appearance_loss`, the visual losses without the discriminator."""
    prepared = prepare(batch, jax.random.fold_in(state.key, state.step), axis_name)
    params = trees.per_device(state.outer_params, axis_name)

    def loss(params: PyTree, batch: PreparedBatch) -> tuple[Array, Metrics]:
        return reduce_loss(appearance_loss(config, problem.forward(params, batch), batch), axis_name)

    (value, terms), gradient = mean_over_parts(
        config.accumulate, lambda part: jax.value_and_grad(loss, has_aux=True)(params, part), prepared
    )
    value, terms, gradient = trees.mean((value, terms, gradient), axis_name)
    updates, opt_state = optimizers.warm_start.update(gradient, state.warm_start_state, state.outer_params)
    state = state.replace(
        step=state.step + 1,
        outer_params=optax.apply_updates(state.outer_params, updates),
        warm_start_state=opt_state,
    )
    return state, {metric_names.WARM_START_LOSS: value, **_terms(metric_names.WARM_START, terms)}


def inner_step(
    state: TrainState,
    batch: DeviceBatch,
    *,
    config: ConfigDict,
    problem: BilevelProblem,
    optimizers: Optimizers,
    axis_name: str | None = None,
) -> tuple[TrainState, Metrics]:
    """Takes one step of every inner problem on its own loss; the fused image is held constant.

    A whole batch may be without labels for a semantic task. Then the task's network and its optimizer stay as they are:
    momentum and weight decay would move the network without a gradient. A task that does not train stays in any case.
    """
    prepared = prepare(batch, jax.random.fold_in(state.key, 3 * state.step), axis_name)
    at = problem, state.outer_params, state.inner_params
    gradients, aux = mean_over_parts(
        config.accumulate, lambda part: inner_gradients(*at, part, axis_name=axis_name), prepared
    )
    present = dict(zip(problem.tasks, present_tasks(config, problem, prepared, axis_name), strict=True))
    inner_params, inner_state, metrics = dict(state.inner_params), dict(state.inner_state), {}
    # Both choose the same. What XLA fuses with the update decides how it is rounded, and runs go on bit for bit.
    selected = in_each_array if len(config.data.mix) > 0 or len(problem.tasks) > 2 else _by_branch
    for task, gradient in gradients.items():
        updates, inner_state[task] = optimizers.inner.update(
            gradient, state.inner_state[task], state.inner_params[task]
        )
        inner_params[task] = optax.apply_updates(state.inner_params[task], updates)
        if task != "visual":
            before = state.inner_params[task], state.inner_state[task]
            after = inner_params[task], inner_state[task]
            inner_params[task], inner_state[task] = selected(present[task], after, before)
        metrics[metric_names.loss(task, metric_names.INNER)] = aux[task]["inner_loss"]
    return state.replace(step=state.step + 1, inner_params=inner_params, inner_state=inner_state), metrics


def outer_step(
    state: TrainState,
    outer_batch: DeviceBatch,
    inner_batch: DeviceBatch,
    *,
    config: ConfigDict,
    problem: BilevelProblem,
    optimizers: Optimizers,
    axis_name: str | None = None,
) -> tuple[TrainState, Metrics]:
    """Takes one step of the fusion network on the combined hypergradients; it does not advance `step`.

    Where the weights are known before any backward pass, or follow from the losses, all tasks share one backward pass
    through the fusion network.
    A task that has no label in the outer batch has the weight 0 and no part in the step. Where that holds for all
    tasks, the network, its optimizer and the weighting stay as they are: momentum and weight decay would move the
    network without a gradient. The metric `no_task/outer` then is 1.
    """
    outer_part, inner_part = _prepared(state, outer_batch, inner_batch, axis_name)
    aggregate_state, opt_state, *kept = state.outer_state
    states = kept[0] if kept else {}
    present = present_tasks(config, problem, outer_part, axis_name)
    weights = weights_of_one_pull(config, aggregate_state, present)
    at = problem, state.outer_params, state.inner_params
    estimators = estimator_factory(config)
    gradient, aux = mean_over_parts(
        config.accumulate,
        lambda *parts: outer_gradient(
            *at, *parts, estimators=estimators, weights=weights, axis_name=axis_name, states=states
        ),
        outer_part,
        inner_part,
    )
    losses = jnp.stack([aux[task]["outer_loss"] for task in problem.tasks])
    if callable(weights):  # with `accumulate`, each part of the batch had its own: this is their mean
        weights = jnp.stack([aux[task]["weight"] for task in problem.tasks])
    combined, aggregate_state = optimizers.aggregate.update(
        gradient, aggregate_state, state.outer_params, losses=losses, weights=weights, present=present
    )
    updates, opt_state = optimizers.outer.update(combined, opt_state, state.outer_params)
    metrics = {metric_names.OUTER_UPDATE_NORM: optax.global_norm(combined)}
    used = find_state(aggregate_state).weights
    for i, task in enumerate(problem.tasks):
        metrics[metric_names.loss(task, metric_names.OUTER)] = aux[task]["outer_loss"]
        metrics |= _terms(task, aux[task]["outer_terms"])
        metrics[metric_names.of_task(metric_names.CORRECTION, task)] = aux[task]["correction_ratio"]
        if "rho" in aux[task]:
            metrics[metric_names.of_task(metric_names.RHO, task)] = aux[task]["rho"]
        metrics[metric_names.of_task(metric_names.WEIGHT, task)] = used[i]
    there = dict(zip(problem.tasks, present, strict=True))
    # An estimator learns nothing from a batch without labels for its task.
    kept = [{task: in_each_array(there[task], aux[task]["state"], states[task]) for task in states}] if kept else []
    after = optax.apply_updates(state.outer_params, updates), (aggregate_state, opt_state, *kept)
    if _may_lack_tasks(config):
        metrics[metric_names.NO_TASK] = 1.0 - jnp.any(present).astype(jnp.float32)
        # A branch leaves the rounding of the update as it is without one.
        after = _by_branch(jnp.any(present), after, (state.outer_params, state.outer_state))
    return state.replace(outer_params=after[0], outer_state=after[1]), metrics


def single_level_step(
    state: TrainState,
    batch: DeviceBatch,
    *,
    config: ConfigDict,
    problem: BilevelProblem,
    optimizers: Optimizers,
    axis_name: str | None = None,
) -> tuple[TrainState, Metrics]:
    """Takes one step of all networks at once, each from where the others were: the baseline of a bilevel problem.

    The fusion network steps on the weighted sum of the tasks' outer losses. The semantic network steps on the same sum,
    of which it can change its own loss alone. The discriminator, the adversary of both, steps on its own loss. The
    compiler makes one forward pass of the two.
    """
    outward, outer_metrics = outer_step(
        state, batch, batch, config=config, problem=problem, optimizers=optimizers, axis_name=axis_name
    )
    inward, inner_metrics = inner_step(
        state, batch, config=config, problem=problem, optimizers=optimizers, axis_name=axis_name
    )
    after = inward.replace(outer_params=outward.outer_params, outer_state=outward.outer_state)
    return after, inner_metrics | outer_metrics


def gradient_report(
    state: TrainState,
    outer_batch: DeviceBatch,
    inner_batch: DeviceBatch,
    *,
    config: ConfigDict,
    problem: BilevelProblem,
    axis_name: str | None = None,
) -> Metrics:
    """Returns norms and cosines of the tasks' hypergradients with respect to the fusion network's parameters."""
    outer_part, inner_part = _prepared(state, outer_batch, inner_batch, axis_name)
    report = outer_gradient_report(
        problem,
        state.outer_params,
        state.inner_params,
        outer_part,
        inner_part,
        estimators=estimator_factory(config),
        axis_name=axis_name,
        states=state.outer_state[2] if len(state.outer_state) > 2 else None,
    )
    cosines = report.pop("cosines")
    metrics = {
        metric_names.gradient(task, name): value for task, values in report.items() for name, value in values.items()
    }
    for (i, one), (j, other) in itertools.combinations(enumerate(report), 2):
        name = metric_names.GRADIENT_COSINE if len(report) == 2 else metric_names.cosine(one, other)
        metrics[name] = cosines[i, j]
    return metrics


def _prepared(
    state: TrainState, outer_batch: DeviceBatch, inner_batch: DeviceBatch, axis_name: str | None
) -> tuple[PreparedBatch, PreparedBatch]:
    keys = [jax.random.fold_in(state.key, 3 * state.step + i) for i in (1, 2)]
    return prepare(outer_batch, keys[0], axis_name), prepare(inner_batch, keys[1], axis_name)


def present_tasks(
    config: ConfigDict, problem: BilevelProblem, batch: PreparedBatch, axis_name: str | None
) -> Bool[Array, " k"]:
    """Returns for which tasks any image of the batch has labels; a task that needs no labels is always present.

    The visual task is absent where nothing in it has a weight. Its gradient of zeros would have a part in the weighting
    otherwise: MGDA would give it the whole weight.
    """
    present = dict.fromkeys(problem.tasks, jnp.bool_(True))
    if not has_visual_loss(config):
        present["visual"] = jnp.bool_(False)
    for name, block in semantic_tasks(config).items():
        labelled = jnp.any(SEMANTIC_TASKS[block.task].labelled(block, batch))
        if axis_name is not None:
            labelled = jax.lax.pmax(labelled.astype(jnp.int32), axis_name) > 0
        present[name] = labelled
    return jnp.stack([present[task] for task in problem.tasks])


def _may_lack_tasks(config: ConfigDict) -> bool:
    """Whether a batch may have no label for any task. It is known before compilation; most runs need no check."""
    blocks = semantic_tasks(config).values()
    return not has_visual_loss(config) and all(SEMANTIC_TASKS[block.task].needs_labels(block) for block in blocks)


def in_each_array(chosen: Bool[Array, ""], after: PyTree, before: PyTree) -> PyTree:
    return jax.tree.map(lambda new, old: jnp.where(chosen, new, old), after, before)


def _by_branch(chosen: Bool[Array, ""], after: PyTree, before: PyTree) -> PyTree:
    return jax.lax.cond(chosen, lambda new, old: new, lambda new, old: old, after, before)


def _terms(task: str, terms: Mapping[str, Array]) -> Metrics:
    return {metric_names.term(task, name): value for name, value in terms.items()}
