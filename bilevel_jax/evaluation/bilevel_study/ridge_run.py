"""Trains the fusion rule of one row at one seed, with a ridge head as the inner problem."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.evaluation.bilevel_study import ridge_head
from bilevel_jax.evaluation.bilevel_study.fused_features import FeatureMap, features
from bilevel_jax.evaluation.bilevel_study.row_gradient import InnerProblem, Memory, Point, first_memory, row_gradient
from bilevel_jax.evaluation.bilevel_study.rule_descent import descend_rule, scenes_from
from bilevel_jax.evaluation.bilevel_study.study_rows import ROWS, Row


class Part(NamedTuple):
    """Scenes as a training sees them: the first three fields of `SceneCells`, and standardised targets."""

    means: Float[Array, "n cells 4 k"]
    energies: Float[Array, "n cells j p"]
    spreads: Float[Array, "n p"]
    targets: Float[Array, "n cells c"]


class RidgeProblem(NamedTuple):
    """What is fixed during a training.

    Attributes:
        outer, inner: the scenes of the two losses.
        fixed: the constants of the features.
        ridge: strength of the ridge term.
    """

    outer: Part
    inner: Part
    fixed: FeatureMap
    ridge: Float[Array, ""] | float


def part_features(w: Float[Array, " k"], part: Part, fixed: FeatureMap) -> Float[Array, "n cells d"]:
    """The features of scenes that are fused with w."""
    return features(w, part.means, part.energies, part.spreads, fixed)


def outer_loss_at(w: Float[Array, " k"], problem: RidgeProblem) -> Float[Array, ""]:
    """F(w, v*(w)): the outer loss with the head solved at w."""
    whitening = ridge_head.whiten(problem.fixed.whitening)
    inner = part_features(w, problem.inner, problem.fixed)
    head = ridge_head.solve(inner, problem.inner.targets, whitening, problem.ridge)
    outer = part_features(w, problem.outer, problem.fixed)
    return ridge_head.half_error(outer, whitening @ head, problem.outer.targets)


def empty_head(problem: RidgeProblem) -> ridge_head.Head:
    """Where the head starts: zeros."""
    return jnp.zeros((len(problem.fixed.centre) + 1, problem.inner.targets.shape[-1]), problem.inner.means.dtype)


def gradient_at(
    row: Row, w: Float[Array, " k"], memory: Memory | None, key: Array, problem: RidgeProblem, steps: int
) -> Point:
    """The row's hypergradient at w.

    Args:
        row: which gradient.
        w: parameters of the fusion rule.
        memory: of the last outer step; None = there was none.
        key: of the placebo's direction.
        problem: the scenes and constants.
        steps: T.
    """
    seen, pull = jax.vjp(
        lambda w: (part_features(w, problem.outer, problem.fixed), part_features(w, problem.inner, problem.fixed)), w
    )
    return row_gradient(row, seen, pull, memory, key, _inner_problem(row, seen, problem, steps))


def memory_at(row: Row, w: Float[Array, " k"], problem: RidgeProblem, steps: int) -> Memory:
    """What a training of the row that starts at w begins with."""
    seen = part_features(w, problem.outer, problem.fixed), part_features(w, problem.inner, problem.fixed)
    return first_memory(row, seen, _inner_problem(row, seen, problem, steps))


def _inner_problem(row: Row, seen: ridge_head.Features, problem: RidgeProblem, steps: int) -> InnerProblem:
    whitening = ridge_head.whiten(problem.fixed.whitening)
    losses = ridge_head.ridge_losses(whitening, problem.ridge)
    targets = problem.outer.targets, problem.inner.targets
    learned_from = jnp.concatenate(seen) if row.head == "warm" else seen[1]
    return InnerProblem(
        *losses,
        targets=targets,
        start=empty_head(problem),
        rate=ridge_head.stable_rate(learned_from, whitening, problem.ridge),
        steps=steps,
        solve=lambda phi, wanted: ridge_head.solve(phi, wanted, whitening, problem.ridge),
        exact=lambda phi, v: ridge_head.exact_correction(
            losses, phi, v, *targets, ridge_head.gram(phi[1], whitening, problem.ridge)
        ),
    )


@functools.partial(jax.jit, static_argnames=("name", "outer_steps", "steps", "batch"))
def train_rule(
    name: str,
    w: Float[Array, " k"],
    rate: Float[Array, ""],
    key: Array,
    problem: RidgeProblem,
    *,
    outer_steps: int,
    steps: int,
    batch: int,
) -> tuple[Float[Array, "s k"], Memory]:
    """Trains the fusion rule on the row's hypergradients.

    Args:
        name: of the row.
        w, rate, outer_steps, batch: as in `descend_rule`.
        key: of the placebo's directions.
        problem: the scenes and constants.
        steps: T.

    Returns:
        As `descend_rule`.
    """

    def point_at(w, memory, key, outer):
        return gradient_at(ROWS[name], w, memory, key, problem._replace(outer=outer), steps)

    first = problem._replace(outer=scenes_from(0, problem.outer, batch))
    memory = memory_at(ROWS[name], w, first, steps)
    return descend_rule(point_at, w, memory, rate, key, problem.outer, outer_steps=outer_steps, batch=batch)
