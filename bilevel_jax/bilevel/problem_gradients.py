"""Gradients of a BilevelProblem at the cost that a shared, expensive forward function allows."""

from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.gramian import cosines, gramian
from bilevel_jax.bilevel.hypergradient import Estimator, Loss, ignore, one_step
from bilevel_jax.bilevel.problem import BilevelProblem, reduce_loss
from bilevel_jax.bilevel.task_gradients import Weights
from bilevel_jax.bilevel.trees import PyTree

MakeEstimator = Callable[..., Estimator]  # (outer_loss, inner_loss, *, has_aux, axis_name, sharded_outer)
AuxByTask = dict[str, dict[str, PyTree]]
Cotangent = tuple[PyTree, ...]  # shaped as u of the outer batch, and as u of the inner batch where it is looked at


def outer_gradient(
    problem: BilevelProblem,
    outer_params: PyTree,
    inner_params: Mapping[str, PyTree],
    outer_batch: PyTree,
    inner_batch: PyTree,
    *,
    estimators: MakeEstimator | Mapping[str, MakeEstimator] = one_step,
    weights: Weights | None = None,
    axis_name: str | None = None,
    states: Mapping[str, PyTree] | None = None,
) -> tuple[PyTree, AuxByTask]:
    """The tasks' hypergradients with respect to the outer parameters, from one forward pass.

    The forward function runs ONCE, on the two batches side by side (on the outer batch alone where no estimator looks
    at the inner loss). Each task's estimator takes (u_outer, u_inner) for its outer variable, which gives the
    cotangents [dF_k; -rho_k df_k] cheaply; by the chain rule their pull-back is the hypergradient.

    Args:
      problem: the forward function and the tasks. The order of the tasks is that of `problem.tasks`.
      outer_params: the parameters of the forward function.
      inner_params: the inner parameters by task; to each task the other tasks' are constants. A task without an inner
        problem has none, and its hypergradient is F_w whatever the estimator.
      outer_batch, inner_batch: pytrees of one structure, every leaf with a leading batch axis.
      estimators: a function that makes an estimator out of two losses, such as
        `functools.partial(one_step, correction=0.0)`, for all tasks or by task. Any estimator serves that never moves
        the outer variable.
      weights: K numbers that are known beforehand, or a function that makes them of the outer losses [K] of this
        forward pass: then ONE pull gives the weighted sum. None: K pulls of the same forward pass give the gradients
        stacked on a leading task axis.
      axis_name: mapped axis of shard_map or pmap over which the batches are split and the results averaged.
      states: the estimators' states by task, from `estimator_states` and then from the last call's aux (`state` of each
        task). A task that is left out begins anew at each call.

    Returns:
      (gradient [*shape] or gradients [K, *shape] on every leaf, aux by task: the estimator's, with `outer_terms` and
      `inner_terms`, the named terms of the losses, and `correction_ratio`, the length of the part of the cotangent that
      belongs to the inner batch over that of the outer batch's; and, where a function made the weights, `weight`). A
      weight of 0 keeps even a NaN of its task out of the gradient.

    Raises:
      ValueError: the number of weights is not that of the tasks.
    """
    pull, cotangents, aux = _cotangents(
        problem, outer_params, inner_params, outer_batch, inner_batch, estimators, axis_name, states or {}
    )
    if weights is None:
        return trees.stacked([pull(cotangent) for cotangent in cotangents.values()]), aux
    numbers = weights(jnp.stack([aux[name]["outer_loss"] for name in cotangents])) if callable(weights) else weights
    if len(numbers) != len(cotangents):
        raise ValueError(f"{len(numbers)} weights for {len(cotangents)} tasks ({', '.join(cotangents)})")
    if callable(weights):
        aux = {name: {**aux[name], "weight": number} for name, number in zip(cotangents, numbers, strict=True)}
    parts = [
        jax.tree.map(lambda c, w=weight: jnp.where(w == 0, 0, w * c).astype(c.dtype), cotangent)
        for weight, cotangent in zip(numbers, cotangents.values(), strict=True)
    ]
    return pull(jax.tree.map(lambda *leaves: sum(leaves), *parts)), aux


def outer_gradient_report(
    problem: BilevelProblem,
    outer_params: PyTree,
    inner_params: Mapping[str, PyTree],
    outer_batch: PyTree,
    inner_batch: PyTree,
    *,
    estimators: MakeEstimator | Mapping[str, MakeEstimator] = one_step,
    axis_name: str | None = None,
    states: Mapping[str, PyTree] | None = None,
) -> dict[str, PyTree]:
    """Norms and cosines of the hypergradients in the space of the outer parameters, for logs; up to 2 K pulls.

    Args:
      problem, outer_params, inner_params, outer_batch, inner_batch, estimators, axis_name, states: as in
        `outer_gradient`.

    Returns:
      By task a dict of scalars: `outer_norm` |F_w|, `correction_norm` |g - F_w|, `correction_dot` <F_w, g - F_w> and
      `length_ratio` |g| / |F_w| (0 where F_w = 0); and under the key `cosines` the [K, K] cosines between the tasks' g.
    """
    pull, cotangents, _ = _cotangents(
        problem, outer_params, inner_params, outer_batch, inner_batch, estimators, axis_name, states or {}
    )
    report: dict[str, PyTree] = {}
    gradients = []
    for name, cotangent in cotangents.items():
        partial = pull(tuple(_zeros(part) if i else part for i, part in enumerate(cotangent)))
        correction = _zeros(partial)
        if len(cotangent) > 1:
            correction = pull((_zeros(cotangent[0]), cotangent[1]))
        gradient = trees.add_scaled(partial, 1.0, correction)
        length = trees.norm(partial)
        report[name] = {
            "outer_norm": length,
            "correction_norm": trees.norm(correction),
            "correction_dot": trees.vdot(partial, correction),
            "length_ratio": jnp.where(length > 0, trees.norm(gradient) / jnp.where(length > 0, length, 1.0), 0.0),
        }
        gradients.append(gradient)
    report["cosines"] = cosines(gramian(trees.stacked(gradients)))
    return report


def estimator_states(
    inner_params: Mapping[str, PyTree], estimators: MakeEstimator | Mapping[str, MakeEstimator] = one_step
) -> dict[str, PyTree]:
    """The first states of the tasks' estimators by task; a task whose estimator keeps no array is left out.

    Args:
      inner_params, estimators: as in `outer_gradient`.
    """
    states = {}
    for name, params in inner_params.items():
        states[name] = _maker(estimators, name)(_no_loss, _no_loss).init(None, params)
    return {name: state for name, state in states.items() if jax.tree.leaves(state)}


def inner_gradients(
    problem: BilevelProblem,
    outer_params: PyTree,
    inner_params: Mapping[str, PyTree],
    batch: PyTree,
    *,
    axis_name: str | None = None,
) -> tuple[dict[str, PyTree], AuxByTask]:
    """The gradient of each task's inner loss with respect to its own inner parameters; u is held constant.

    Args:
      problem, outer_params, inner_params, axis_name: as in `outer_gradient`.
      batch: the inner batch.

    Returns:
      (gradients by task, aux by task: `inner_loss` and `inner_terms`), averaged over `axis_name`. A task without an
      inner problem is left out.
    """
    u = jax.lax.stop_gradient(problem.forward(outer_params, batch))
    gradients: dict[str, PyTree] = {}
    aux: AuxByTask = {}
    for name, task in problem.tasks.items():
        if task.inner_loss is None:
            continue

        def loss(params, inner_loss=task.inner_loss):
            return reduce_loss(inner_loss(u, params, batch), axis_name)

        params = trees.per_device(inner_params[name], axis_name)
        (value, terms), gradient = jax.value_and_grad(loss, has_aux=True)(params)
        gradients[name] = trees.mean(gradient, axis_name)
        aux[name] = trees.mean({"inner_loss": value, "inner_terms": terms}, axis_name)
    return gradients, aux


def task_losses(
    problem: BilevelProblem, name: str, inner_params: Mapping[str, PyTree], axis_name: str | None = None
) -> tuple[Loss, Loss]:
    """A task's (F, f) as functions of ((u_outer, u_inner), its own inner parameters, batch) -> (scalar, terms)."""
    task = problem.tasks[name]
    others = {other: jax.lax.stop_gradient(params) for other, params in inner_params.items() if other != name}

    def outer_loss(fused, own, batch):
        return reduce_loss(task.outer_loss(fused[0], {**others, name: own}, batch), axis_name)

    def inner_loss(fused, own, batch):
        assert task.inner_loss is not None, f"the task {name} has no inner problem"
        return reduce_loss(task.inner_loss(fused[1], own, batch), axis_name)

    return outer_loss, inner_loss


def _cotangents(
    problem: BilevelProblem,
    outer_params: PyTree,
    inner_params: Mapping[str, PyTree],
    outer_batch: PyTree,
    inner_batch: PyTree,
    estimators: MakeEstimator | Mapping[str, MakeEstimator],
    axis_name: str | None,
    states: Mapping[str, PyTree],
) -> tuple[Callable[[Cotangent], PyTree], dict[str, Cotangent], AuxByTask]:
    """One forward pass; returns (pull: cotangent -> gradient, cotangents by task, aux by task)."""
    made = {name: _made(problem, name, inner_params, estimators, axis_name) for name in problem.tasks}
    both = any(estimator.needs_inner_loss for estimator in made.values())
    sizes = [jax.tree.leaves(part)[0].shape[0] for part in ((outer_batch, inner_batch) if both else (outer_batch,))]
    batch = jax.tree.map(_side_by_side, outer_batch, inner_batch) if both else outer_batch
    outer_params = trees.per_device(outer_params, axis_name)
    u, vjp = jax.vjp(lambda params: problem.forward(params, batch), outer_params)
    fused = tuple(jax.tree.map(lambda a, i=i: _part(a, i, sizes), u) for i in range(len(sizes)))

    def pull(cotangent):
        joined = jax.tree.map(_side_by_side, *cotangent)
        return trees.total(vjp(joined)[0], axis_name)  # the devices' parts of a mean: they add up

    cotangents: dict[str, Cotangent] = {}
    aux: AuxByTask = {}
    for name, estimator in made.items():
        own = inner_params.get(name)
        state = states[name] if name in states else estimator.init(fused, own)
        estimate = estimator.estimate(fused, own, outer_batch, inner_batch, state)
        cotangents[name] = estimate.outer_grad
        aux[name] = _named_terms(estimate.aux, axis_name) | {"correction_ratio": _ratio(estimate.outer_grad, axis_name)}
        if name in states:
            aux[name]["state"] = estimate.state
    return pull, cotangents, aux


def _made(
    problem: BilevelProblem,
    name: str,
    inner_params: Mapping[str, PyTree],
    estimators: MakeEstimator | Mapping[str, MakeEstimator],
    axis_name: str | None,
) -> Estimator:
    """The estimator of a task; that of a task without an inner problem is `ignore`."""
    factory = ignore if problem.tasks[name].inner_loss is None else _maker(estimators, name)
    losses = task_losses(problem, name, inner_params, axis_name)
    return factory(*losses, has_aux=True, axis_name=axis_name, sharded_outer=axis_name is not None)


def _side_by_side(*parts: Array) -> Array:
    """Joins arrays along their first axis: in turns where they are of one length, else one after the other.

    In turns, every device of a split batch keeps its own examples. One after the other, they would have to travel.
    """
    if len({part.shape[0] for part in parts}) > 1:
        return jnp.concatenate(parts)
    return jnp.stack(parts, axis=1).reshape(-1, *parts[0].shape[1:])


def _part(joined: Array, index: int, sizes: Sequence[int]) -> Array:
    """The part `index` of what `_side_by_side` joined of parts of these lengths."""
    if len(set(sizes)) > 1:
        start = sum(sizes[:index])
        return joined[start : start + sizes[index]]
    return joined.reshape(-1, len(sizes), *joined.shape[1:])[:, index]


def _ratio(cotangent: Cotangent, axis_name: str | None) -> Float[Array, ""]:
    """|part of the inner batch| / |part of the outer batch|, 0 where there is no such part or the divisor is 0."""
    if len(cotangent) == 1:
        return jnp.zeros((), jnp.float32)
    outer, inner = (trees.total(trees.vdot(part, part), axis_name) for part in cotangent)
    return jnp.sqrt(jnp.where(outer > 0, inner / jnp.where(outer > 0, outer, 1.0), 0.0))


def _named_terms(aux: Mapping[str, PyTree], axis_name: str | None) -> dict[str, PyTree]:
    """The aux of an estimate with the losses' own aux as `outer_terms` and `inner_terms`, averaged over devices."""
    aux = dict(aux)
    for side in ("outer", "inner"):
        if f"{side}_aux" in aux:
            aux[f"{side}_terms"] = trees.mean(aux.pop(f"{side}_aux"), axis_name)
    return aux


def _maker(estimators: MakeEstimator | Mapping[str, MakeEstimator], name: str) -> MakeEstimator:
    return estimators[name] if isinstance(estimators, Mapping) else estimators


def _no_loss(outer_params: PyTree, inner_params: PyTree, batch: PyTree) -> None:
    raise AssertionError("an estimator that is only made must not call its losses")


def _zeros(tree: PyTree) -> PyTree:
    return jax.tree.map(jnp.zeros_like, tree)
