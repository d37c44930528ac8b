"""The pure steps of training: state and batch in, state and metrics out.

Each takes `axis_name`, so that it also runs inside a user's pmap or shard_map; the loop wraps them in plain jit.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from ml_collections import ConfigDict

from bilevel_jax.bilevel import (
    inner_gradients,
    next_weights,
    outer_gradient,
    outer_gradient_report,
    reduce_loss,
    trees,
    weights_known,
)
from bilevel_jax.bilevel.aggregate import find_state
from bilevel_jax.compilation import compiler_options
from bilevel_jax.images.color import fuse_color
from bilevel_jax.models.detectors.fcos import decode
from bilevel_jax.training.devices import replicate, state_shardings
from bilevel_jax.training.estimators import estimator_factory
from bilevel_jax.training.host_batches import OnHostBatches, device_part
from bilevel_jax.training.parts import mean_over_parts, skipping
from bilevel_jax.training.problem import (
    Batch,
    Networks,
    appearance_loss,
    has_semantic_labels,
    prepare,
    problem_from_config,
)
from bilevel_jax.training.state import Optimizers, TrainState, initial_state

Metrics = dict[str, jax.Array]


class Steps(NamedTuple):
    """The jitted steps of a run; batches are host batches (numpy, integer images), of this process's part.

    The four that train are `OnHostBatches`, which can be lowered.
    """

    warm_start: Callable[[TrainState, Batch], tuple[TrainState, Metrics]]
    inner: Callable[[TrainState, Batch], tuple[TrainState, Metrics]]
    outer: Callable[[TrainState, Batch, Batch], tuple[TrainState, Metrics]]  # outer batch, inner batch
    single_level: Callable[[TrainState, Batch], tuple[TrainState, Metrics]]
    gradients: Callable[[TrainState, Batch, Batch], Metrics]
    predict: Callable[[Any, dict[str, Any], Batch], tuple[jax.Array, Any]]


def make_steps(
    config: ConfigDict,
    networks: Networks,
    optimizers: Optimizers,
    mesh: Mesh | None = None,
    state: TrainState | None = None,
) -> Steps:
    """The steps below, jitted for one configuration; the state is donated where the backend can reuse it.

    On a `mesh` the batches are split over its devices and the state, placed by `devices.place_state`, stays as it is
    placed; None leaves everything on one device. `state` is any of this configuration; without one the shapes of its
    arrays are traced, which takes seconds for large networks.
    """
    problem = problem_from_config(config, networks)
    fixed = dict(config=config, problem=problem, optimizers=optimizers)
    after = None
    if mesh is not None:
        shapes = state if state is not None else jax.eval_shape(lambda: initial_state(config, networks, optimizers))
        after = state_shardings(mesh, shapes), NamedSharding(mesh, PartitionSpec())

    def jitted(name, step):
        step = functools.partial(step, **fixed)
        step = skipping(name, step) if config.on_nan == "skip" else step
        return OnHostBatches(step, mesh, donate_argnums=0, out_shardings=after)

    report = functools.partial(gradient_report, config=config, problem=problem)
    return Steps(
        warm_start=jitted("warm_start", warm_start_step),
        inner=jitted("inner", inner_step),
        outer=jitted("outer", outer_step),
        single_level=jitted("single_level", single_level_step),
        gradients=OnHostBatches(report, mesh, out_shardings=after and after[1]),
        predict=make_predict(config, networks, problem, mesh),
    )


def warm_start_step(
    state: TrainState, batch: Batch, *, config: ConfigDict, problem: Any, optimizers: Optimizers, axis_name=None
) -> tuple[TrainState, Metrics]:
    """One step of the fusion network alone on `appearance_loss`: the visual losses without the adversary."""
    batch = prepare(batch, jax.random.fold_in(state.key, state.step), axis_name)
    params = trees.per_device(state.outer_params, axis_name)

    def loss(params: Any, batch: Batch) -> tuple[jax.Array, Metrics]:
        return reduce_loss(appearance_loss(config, problem.forward(params, batch), batch), axis_name)

    (value, terms), gradient = mean_over_parts(
        config.accumulate, lambda part: jax.value_and_grad(loss, has_aux=True)(params, part), batch
    )
    value, terms, gradient = trees.mean((value, terms, gradient), axis_name)
    updates, opt_state = optimizers.warm_start.update(gradient, state.warm_start_state, state.outer_params)
    state = state.replace(
        step=state.step + 1,
        outer_params=optax.apply_updates(state.outer_params, updates),
        warm_start_state=opt_state,
    )
    return state, {"loss/warm_start": value, **_named("term/warm_start", terms)}


def inner_step(
    state: TrainState, batch: Batch, *, config: ConfigDict, problem: Any, optimizers: Optimizers, axis_name=None
) -> tuple[TrainState, Metrics]:
    """One step of every inner problem on its own loss; the fused image is held constant.

    Of mixed data sets a whole batch may be without labels for the semantic task: then its network stays as it is, and
    its optimizer too; momentum and weight decay would move it without a gradient.
    """
    batch = prepare(batch, jax.random.fold_in(state.key, 3 * state.step), axis_name)
    at = problem, state.outer_params, state.inner_params
    gradients, aux = mean_over_parts(
        config.accumulate, lambda part: inner_gradients(*at, part, axis_name=axis_name), batch
    )
    present = dict(zip(problem.tasks, _present(config, problem, batch, axis_name), strict=True))
    inner_params, inner_state, metrics = {}, {}, {}
    for task, gradient in gradients.items():
        updates, inner_state[task] = optimizers.inner.update(
            gradient, state.inner_state[task], state.inner_params[task]
        )
        inner_params[task] = optax.apply_updates(state.inner_params[task], updates)
        if task != "visual" and len(config.data.mix):
            before = state.inner_params[task], state.inner_state[task]
            after = inner_params[task], inner_state[task]
            kept = jax.tree.map(lambda new, old, p=present[task]: jnp.where(p, new, old), after, before)
            inner_params[task], inner_state[task] = kept
        metrics[f"loss/{task}/inner"] = aux[task]["inner_loss"]
    return state.replace(step=state.step + 1, inner_params=inner_params, inner_state=inner_state), metrics


def outer_step(
    state: TrainState,
    outer_batch: Batch,
    inner_batch: Batch,
    *,
    config: ConfigDict,
    problem: Any,
    optimizers: Optimizers,
    axis_name: str | None = None,
) -> tuple[TrainState, Metrics]:
    """One step of the fusion network on the aggregated hypergradient; it does not advance `step`.

    Where the weights are known before any backward pass all tasks share one pull through the fusion network. A batch
    without labels trains the visual task alone.
    """
    outer_batch, inner_batch = _prepared(state, outer_batch, inner_batch, axis_name)
    aggregate_state, opt_state = state.outer_state
    present = _present(config, problem, outer_batch, axis_name)
    weights = next_weights(aggregate_state, present=present) if weights_known(config.bilevel.weighting) else None
    at = problem, state.outer_params, state.inner_params
    options = dict(estimators=estimator_factory(config), weights=weights, axis_name=axis_name)
    gradient, aux = mean_over_parts(
        config.accumulate, lambda *parts: outer_gradient(*at, *parts, **options), outer_batch, inner_batch
    )
    losses = jnp.stack([aux[task]["outer_loss"] for task in problem.tasks])
    combined, aggregate_state = optimizers.aggregate.update(
        gradient, aggregate_state, state.outer_params, losses=losses, weights=weights, present=present
    )
    updates, opt_state = optimizers.outer.update(combined, opt_state, state.outer_params)
    metrics = {"norm/outer_update": optax.global_norm(combined)}
    used = find_state(aggregate_state).weights
    for i, task in enumerate(problem.tasks):
        metrics[f"loss/{task}/outer"] = aux[task]["outer_loss"]
        metrics |= _named(f"term/{task}", aux[task]["outer_terms"])
        metrics[f"correction/{task}"] = aux[task]["correction_ratio"]
        if "rho" in aux[task]:
            metrics[f"rho/{task}"] = aux[task]["rho"]
        metrics[f"lambda/{task}"] = used[i]
    state = state.replace(
        outer_params=optax.apply_updates(state.outer_params, updates), outer_state=(aggregate_state, opt_state)
    )
    return state, metrics


def single_level_step(state: TrainState, batch: Batch, **fixed: Any) -> tuple[TrainState, Metrics]:
    """One step of all networks at once, each from where the others were: what a bilevel problem is compared with.

    The fusion network steps on the weighted sum of the tasks' outer losses, the semantic network on the same sum, of
    which the task's own loss is all that it can change; the discriminator, their adversary, on its own loss. The
    compiler makes one forward pass of the two.
    """
    outward, outer_metrics = outer_step(state, batch, batch, **fixed)
    inward, inner_metrics = inner_step(state, batch, **fixed)
    after = inward.replace(outer_params=outward.outer_params, outer_state=outward.outer_state)
    return after, inner_metrics | outer_metrics


def gradient_report(
    state: TrainState, outer_batch: Batch, inner_batch: Batch, *, config: ConfigDict, problem: Any, axis_name=None
) -> Metrics:
    """Norms and cosines of the tasks' hypergradients in the space of the fusion network's parameters."""
    outer_batch, inner_batch = _prepared(state, outer_batch, inner_batch, axis_name)
    report = outer_gradient_report(
        problem,
        state.outer_params,
        state.inner_params,
        outer_batch,
        inner_batch,
        estimators=estimator_factory(config),
        axis_name=axis_name,
    )
    cosines = report.pop("cosines")
    metrics = {f"gradient/{task}/{name}": value for task, values in report.items() for name, value in values.items()}
    if len(report) == 2:
        metrics["gradient/cosine"] = cosines[0, 1]
    return metrics


def make_predict(
    config: ConfigDict, networks: Networks, problem: Any, mesh: Mesh | None = None
) -> Callable[..., tuple[jax.Array, Any]]:
    """Returns (outer_params, inner_params, host batch) -> (fused_rgb, predictions) jitted.

    On a `mesh` every device makes the whole batch's, which is then at hand in every process.
    fused_rgb is float32 [B, H, W, 3] in [0, 1]; predictions are label maps int32 [B, H, W], `decode`'s boxes, or None.
    """

    def predict(outer_params: Any, inner_params: dict[str, Any], batch: Batch) -> tuple[jax.Array, Any]:
        batch = prepare(batch, jax.random.PRNGKey(0))
        image = fuse_color(problem.forward(outer_params, batch), batch["vis"])
        if networks.semantic is None:
            return image, None
        return image, read_predictions(config, networks.semantic.apply(inner_params["semantic"], image))

    if mesh is None:
        return OnHostBatches(predict)
    everywhere = jax.jit(
        predict, out_shardings=NamedSharding(mesh, PartitionSpec()), compiler_options=compiler_options()
    )
    return lambda *args: everywhere(*args[:2], replicate(mesh, device_part(args[2])))


def read_predictions(config: ConfigDict, outputs: Any) -> Any:
    """Label maps int32 [B, H, W] from logits, or boxes from FCOS's outputs (see `models.fcos.decode`)."""
    if config.semantic.task == "detection":
        return decode(outputs)
    return jnp.argmax(outputs, axis=-1).astype(jnp.int32)


def _prepared(state: TrainState, outer_batch: Batch, inner_batch: Batch, axis_name: str | None) -> tuple[Batch, Batch]:
    keys = [jax.random.fold_in(state.key, 3 * state.step + i) for i in (1, 2)]
    return prepare(outer_batch, keys[0], axis_name), prepare(inner_batch, keys[1], axis_name)


def _present(config: ConfigDict, problem: Any, batch: Batch, axis_name: str | None) -> jax.Array:
    """Which tasks this batch has labels for, bool [K]."""
    present = {"visual": jnp.bool_(True)}
    if "semantic" in problem.tasks:
        labelled = has_semantic_labels(config, batch)
        if axis_name is not None:
            labelled = jax.lax.pmax(labelled.astype(jnp.int32), axis_name) > 0
        present["semantic"] = labelled
    return jnp.stack([present[task] for task in problem.tasks])


def _named(prefix: str, terms: Mapping[str, jax.Array]) -> Metrics:
    return {f"{prefix}/{name}": value for name, value in terms.items()}
