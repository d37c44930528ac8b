"""A row's hypergradient, whatever the inner problem: with respect to what the head sees, pulled back to the rule."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from bilevel_jax.bilevel import ESTIMATORS
from bilevel_jax.bilevel.hypergradient.estimator import Loss
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
        rate: step size of the inner gradient descent.
        steps: T.
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
    solve: Callable[[Array, Targets], PyTree] | None = None
    exact: Callable[[Seen, PyTree], tuple[Seen, Seen]] | None = None


class Point(NamedTuple):
    """One outer step's gradients of the fusion rule.

    Attributes:
        gradient: the row's hypergradient.
        partial: F_w at the same head.
        head: the head that the gradient was taken at; where the estimator makes the steps, the one it arrived at.
        aux: what the estimator reports.
    """

    gradient: Float[Array, " k"]
    partial: Float[Array, " k"]
    head: PyTree
    aux: dict[str, PyTree]


def row_gradient(
    row: Row, seen: Seen, pull: Callable[[Seen], tuple[Array]], head: PyTree, key: Array, problem: InnerProblem
) -> Point:
    """The row's hypergradient.

    Args:
        row: which gradient.
        seen: what the head sees, fused with the rule.
        pull: from a gradient shaped as `seen` to that of the rule.
        head: the last outer step's head, which only a warm row looks at.
        key: of the placebo's direction.
        problem: losses and targets.
    """
    if row.estimator == YARDSTICK and problem.exact is None:
        point = row_gradient(_UNROLLED, seen, pull, head, key, problem)
        correction = point.gradient - point.partial
        return point._replace(gradient=point.partial + changed(row, correction, key))
    v = _head(row, seen, head, problem)
    if row.estimator == YARDSTICK and problem.exact is not None:
        F_seen, change = problem.exact(seen, v)
        partial, correction = pull(F_seen)[0], pull(change)[0]
        return Point(partial + changed(row, correction, key), partial, v, {})
    loss, batch = (problem.both, problem.targets) if row.on_all else (problem.outer, problem.targets[0])
    if row.estimator == "ignore":
        partial = pull(jax.grad(loss)(seen, v, batch))[0]
        return Point(partial, partial, v, {})
    options: dict[str, Any] = filled(row.options, {"T": problem.steps, "rate": problem.rate})
    if "inner_optimizer" in options:
        options["inner_optimizer"] = optax.sgd(problem.rate)
    method, inner = ESTIMATORS[row.estimator], problem.targets[1]
    if method.traits.example_gradients:
        options["outer_in_axes"] = (None, 0)
    if "loop" in method.__signature__.parameters:  # type: ignore[attr-defined]
        options["loop"] = "scan"
    estimator = method(loss, problem.inner, **options)
    given = jnp.broadcast_to(inner, (problem.steps, *inner.shape)) if method.traits.batch_per_step else inner
    estimate = estimator.estimate(seen, v, batch, given, estimator.init(seen, v))
    v = v if estimate.inner_params is None else estimate.inner_params
    partial = pull(jax.grad(loss)(seen, v, batch))[0]
    return Point(pull(estimate.outer_grad)[0], partial, v, estimate.aux)


_UNROLLED = Row("all T steps unrolled", "start", "unrolled", {"inner_optimizer": "rate", "steps": "T"})


def changed(row: Row, correction: Float[Array, " k"], key: Array) -> Float[Array, " k"]:
    """The correction after the row's change: a random direction of its length, its opposite, or itself."""
    if row.change == "placebo":
        direction = jax.random.normal(key, correction.shape, correction.dtype)
        return direction * (norm(correction) / norm(direction))
    return -correction if row.change == "turned" else correction


def descend(loss: Callable[[PyTree], Float[Array, ""]], v: PyTree, rate: Any, steps: int) -> PyTree:
    """The parameters after gradient descent."""

    def step(_, v):
        return jax.tree.map(lambda a, g: a - rate * g, v, jax.grad(loss)(v))

    return jax.lax.fori_loop(0, steps, step, v)


def _head(row: Row, seen: Seen, head: PyTree, problem: InnerProblem) -> PyTree:
    fixed, (outer, inner) = jax.lax.stop_gradient(seen), problem.targets
    kind = row.head
    if problem.solve is not None and kind in ("solved", "all"):
        if kind == "solved":
            return problem.solve(fixed[1], inner)
        return problem.solve(jnp.concatenate(fixed), jnp.concatenate([outer, inner]))
    if kind == "start":
        return problem.start
    if kind in ("all", "warm"):
        begin = head if kind == "warm" else problem.start
        return descend(lambda v: problem.both_inner(fixed, v, (outer, inner)), begin, problem.rate, problem.steps)
    return descend(lambda v: problem.inner(fixed, v, inner), problem.start, problem.rate, problem.steps)
