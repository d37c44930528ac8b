"""A row's hypergradient, whatever the inner problem: with respect to what the head sees, pulled back to the rule."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from bilevel_jax.bilevel import ESTIMATORS
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss
from bilevel_jax.bilevel.trees import PyTree, norm
from bilevel_jax.evaluation.bilevel_study.study_rows import YARDSTICK, Row, filled

# (outer part, inner part) of what the head sees: features or pictures, float [scenes, ...]
Seen = tuple[Array, Array]
Targets = Float[Array, "n cells c"]


class InnerProblem(NamedTuple):
    """What a row has to know about the inner problem at one fusion rule.

    Attributes:
        outer: F, a function (seen, head, outer targets) -> scalar.
        inner: f, a function (seen, head, inner targets) -> scalar.
        both: F over the scenes of both sets; its batch is (outer targets, inner targets).
        both_inner: f over the scenes of both sets.
        targets: (outer, inner).
        start: the head that is begun anew with.
        rate: step size of the inner gradient descent, at this fusion rule.
        steps: T.
        clip: longest gradient of a step of the inner gradient descent.
        solve: a function (seen scenes, targets) -> the head that minimises f; None = T steps take its place.
        exact: a function (seen, head) -> (F_seen, correction), both shaped as `seen`; None = all T steps are unrolled.
    """

    outer: Loss
    inner: Loss
    both: Loss
    both_inner: Loss
    targets: tuple[Targets, Targets]
    start: PyTree
    rate: Float[Array, ""] | float
    steps: int
    clip: float = float("inf")
    solve: Callable[[Array, Targets], PyTree] | None = None
    exact: Callable[[Seen, PyTree], tuple[Seen, Seen]] | None = None


class Memory(NamedTuple):
    """What one outer step leaves to the next.

    Attributes:
        head: the head that the step's gradient was taken at; only a warm row begins with it.
        state: what the estimator keeps, such as the solution of its linear system.
    """

    head: PyTree
    state: PyTree


class Point(NamedTuple):
    """One outer step's gradients of the fusion rule.

    Attributes:
        gradient: the row's hypergradient.
        partial: F_w at the same head.
        memory: the head that the gradient was taken at (where the estimator makes the steps, the one it arrived at),
            and the estimator's state.
        aux: what the estimator reports.
    """

    gradient: Float[Array, " k"]
    partial: Float[Array, " k"]
    memory: Memory
    aux: dict[str, PyTree]


def row_gradient(
    row: Row,
    seen: Seen,
    pull: Callable[[Seen], tuple[Array]],
    memory: Memory | None,
    key: Array,
    problem: InnerProblem,
) -> Point:
    """The row's hypergradient.

    Args:
        row: which gradient.
        seen: what the head sees, fused with the rule.
        pull: from a gradient shaped as `seen` to that of the rule.
        memory: of the last outer step; None = there was none.
        key: of the placebo's direction.
        problem: losses and targets.
    """
    memory = first_memory(row, seen, problem) if memory is None else memory
    if row.estimator == YARDSTICK and problem.exact is None:
        point = row_gradient(_UNROLLED, seen, pull, None, key, problem)
        correction, memory = point.gradient - point.partial, Memory(point.memory.head, ())
        return point._replace(gradient=point.partial + changed(row, correction, key), memory=memory)
    v = _head(row, seen, memory.head, problem)
    if row.estimator == YARDSTICK and problem.exact is not None:
        F_seen, change = problem.exact(seen, v)
        partial, correction = pull(F_seen)[0], pull(change)[0]
        return Point(partial + changed(row, correction, key), partial, Memory(v, ()), {})
    loss, batch = _outer_loss(row, problem)
    if row.estimator == "ignore":
        partial = pull(jax.grad(loss)(seen, v, batch))[0]
        return Point(partial, partial, Memory(v, ()), {})
    traits, given = ESTIMATORS[row.estimator].traits, problem.targets[1]
    if traits.batch_per_step:
        given = jnp.broadcast_to(given, (problem.steps, *given.shape))
    estimate = row_estimator(row, problem).estimate(seen, v, batch, given, memory.state)
    v = v if estimate.inner_params is None else estimate.inner_params
    partial = pull(jax.grad(loss)(seen, v, batch))[0]
    return Point(pull(estimate.outer_grad)[0], partial, Memory(v, estimate.state), estimate.aux)


def first_memory(row: Row, seen: Seen, problem: InnerProblem) -> Memory:
    """What the first outer step begins with: the head's start, and the state in which the estimator begins."""
    if row.estimator in (YARDSTICK, "ignore"):
        return Memory(problem.start, ())
    return Memory(problem.start, row_estimator(row, problem).init(seen, problem.start))


def row_estimator(row: Row, problem: InnerProblem) -> Estimator:
    """The package's estimator of a row, with the row's options filled in."""
    options: dict[str, Any] = filled(row.options, {"T": problem.steps, "rate": problem.rate})
    if "inner_optimizer" in options:
        options["inner_optimizer"] = inner_optimizer(problem.rate, problem.clip)
    method = ESTIMATORS[row.estimator]
    if method.traits.example_gradients:
        options["outer_in_axes"] = (None, 0)
    if "loop" in method.__signature__.parameters:  # type: ignore[attr-defined]
        options["loop"] = "scan"
    return method(_outer_loss(row, problem)[0], problem.inner, **options)


def _outer_loss(row: Row, problem: InnerProblem) -> tuple[Loss, Any]:
    """The loss that the fusion rule lowers, and its batch."""
    return (problem.both, problem.targets) if row.on_all else (problem.outer, problem.targets[0])


_UNROLLED = Row("all T steps unrolled", "start", "unrolled", {"inner_optimizer": "rate", "steps": "T"})


def changed(row: Row, correction: Float[Array, " k"], key: Array) -> Float[Array, " k"]:
    """The correction after the row's change: a random direction of its length, its opposite, or itself."""
    if row.change == "placebo":
        direction = jax.random.normal(key, correction.shape, correction.dtype)
        return direction * (norm(correction) / norm(direction))
    return -correction if row.change == "turned" else correction


def inner_optimizer(rate: Float[Array, ""] | float, clip: float) -> optax.GradientTransformation:
    """Gradient descent whose gradients are at most `clip` long."""
    descent = optax.sgd(rate)
    return descent if clip == float("inf") else optax.chain(optax.clip_by_global_norm(clip), descent)


def descend(
    loss: Callable[[PyTree], Float[Array, ""]], v: PyTree, optimizer: optax.GradientTransformation, steps: int
) -> PyTree:
    """The parameters after T steps from new optimizer states."""

    def step(_, carry):
        v, state = carry
        updates, state = optimizer.update(jax.grad(loss)(v), state, v)
        return optax.apply_updates(v, updates), state

    return jax.lax.fori_loop(0, steps, step, (v, optimizer.init(v)))[0]


def _head(row: Row, seen: Seen, head: PyTree, problem: InnerProblem) -> PyTree:
    fixed, (outer, inner) = jax.lax.stop_gradient(seen), problem.targets
    kind, optimizer = row.head, inner_optimizer(problem.rate, problem.clip)
    if problem.solve is not None and kind in ("solved", "all"):
        if kind == "solved":
            return problem.solve(fixed[1], inner)
        return problem.solve(jnp.concatenate(fixed), jnp.concatenate([outer, inner]))
    if kind == "start":
        return problem.start
    if kind in ("all", "warm"):
        begin = head if kind == "warm" else problem.start
        return descend(lambda v: problem.both_inner(fixed, v, (outer, inner)), begin, optimizer, problem.steps)
    return descend(lambda v: problem.inner(fixed, v, inner), problem.start, optimizer, problem.steps)
