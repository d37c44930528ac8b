"""The hypergradients of the ridge stage: finite differences, what equals what, and what the controls change."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.evaluation.bilevel_study import ridge_head
from bilevel_jax.evaluation.bilevel_study.ridge_run import (
    RidgeProblem,
    empty_head,
    gradient_at,
    outer_loss_at,
    part_features,
)
from bilevel_jax.evaluation.bilevel_study.study_problems import Draw
from bilevel_jax.evaluation.bilevel_study.study_rows import ROWS

# 4 inner and 4 outer scenes, so that both have features of one shape.
DRAW = Draw(np.arange(8, 12), np.arange(4), (), {})
NAMES = ("ignore", "exact", "placebo", "turned", "conjugate_gradient", "unrolled")


@pytest.fixture(scope="module")
def wide(stage):
    """The rule and a problem of 4 inner and 4 outer scenes, in float64."""
    with jax.enable_x64(True):
        problem = stage.problem(DRAW, 0.1)
        problem = RidgeProblem(*jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), tuple(problem)))
        yield jnp.asarray(stage.start, jnp.float64), problem


@pytest.fixture(scope="module")
def points(wide):
    """The gradients of some rows, from one program; T is 300, so that the steps reach the minimum."""

    def every(w, problem, steps):
        key = jax.random.key(0)
        return {name: gradient_at(ROWS[name], w, None, key, problem, steps) for name in NAMES}

    return jax.jit(every, static_argnums=2)(*wide, 300)


def cosine(a, b):
    return float(a @ b / jnp.linalg.norm(a) / jnp.linalg.norm(b))


def test_exact_hypergradient_agrees_with_finite_differences(wide, points):
    w, problem = wide
    loss, found, step = jax.jit(outer_loss_at), points["exact"].gradient, 1e-5
    moved = [(loss(w + step * e, problem) - loss(w - step * e, problem)) / (2 * step) for e in jnp.eye(len(w))]
    np.testing.assert_allclose(found, jnp.stack(moved), rtol=1e-5, atol=1e-8)
    # The features are those of a picture scaled to variance 1, so the loss does not depend on the length of w.
    assert abs(float(w @ found)) < 1e-10 * float(jnp.linalg.norm(found))


def test_solved_head_has_no_gradient_left(wide, points):
    w, problem = wide
    phi = part_features(w, problem.inner, problem.fixed)
    loss = ridge_head.ridge_losses(ridge_head.whiten(problem.fixed.whitening), problem.ridge).inner
    slope = jax.grad(lambda v: loss((phi, phi), v, problem.inner.targets))
    head = points["exact"].memory.head
    assert jnp.linalg.norm(slope(head)) < 1e-10 * jnp.linalg.norm(slope(jnp.zeros_like(head)))


def test_conjugate_gradients_and_unrolling_approach_the_exact_hypergradient(points):
    exact, near = points["exact"].gradient, cosine(points["ignore"].gradient, points["exact"].gradient)
    assert near < 0.999
    assert cosine(points["conjugate_gradient"].gradient, exact) > near
    np.testing.assert_allclose(cosine(points["unrolled"].gradient, exact), 1.0, atol=2e-3)


def test_placebo_has_the_length_of_the_correction_and_turned_its_opposite(points):
    exact, placebo, turned = (points[name] for name in ("exact", "placebo", "turned"))
    right, random = exact.gradient - exact.partial, placebo.gradient - placebo.partial
    np.testing.assert_allclose(jnp.linalg.norm(random), jnp.linalg.norm(right), rtol=1e-6)
    assert abs(cosine(random, right)) < 0.99
    np.testing.assert_allclose(turned.gradient - turned.partial, -right, rtol=1e-6)


def test_same_loss_on_the_same_scenes_needs_no_correction(wide):
    """The envelope theorem: F differs from f by the ridge term alone, and the correction vanishes with it."""
    w, problem = wide

    @jax.jit
    def length(problem):
        point = gradient_at(ROWS["exact"], w, None, jax.random.key(0), problem, 1)
        return jnp.linalg.norm(point.gradient - point.partial)

    lengths = [float(length(problem._replace(outer=problem.inner, ridge=ridge))) for ridge in (1e-1, 1e-9)]
    assert lengths[1] < 0.1 * lengths[0]


def test_head_descends_at_every_rule(wide):
    """At rules far from the start, where the start's step size would make the descent diverge."""
    start, problem = wide
    whitening = ridge_head.whiten(problem.fixed.whitening)
    losses = ridge_head.ridge_losses(whitening, problem.ridge)

    @jax.jit
    def at(w):
        phi = part_features(w, problem.inner, problem.fixed)
        reached = gradient_at(ROWS["ignore_steps"], w, None, jax.random.key(0), problem, 5).memory.head
        values = [losses.inner((phi, phi), v, problem.inner.targets) for v in (empty_head(problem), reached)]
        return *values, jnp.linalg.eigvalsh(ridge_head.gram(phi, whitening, problem.ridge))[-1]

    rules = jax.random.normal(jax.random.key(0), (8, len(start)), start.dtype)
    begun, left, largest = np.array([at(w) for w in rules]).T
    assert (left < begun).all()
    assert largest.max() > 2 * 1.5 * float(at(start)[2])  # the start's step size is too long there


def test_rows_with_a_state_go_on_from_it(wide):
    """A linear system that takes one step a call approaches the exact solution while the rule stays where it is."""
    w, problem = wide
    exact = gradient_at(ROWS["exact"], w, None, jax.random.key(0), problem, 1)

    @jax.jit
    def step(memory):
        return gradient_at(ROWS["soba"], w, memory, jax.random.key(0), problem, 1)

    point = step(None)
    np.testing.assert_allclose(point.gradient, point.partial)
    errors = []
    for _ in range(40):
        point = step(point.memory)
        errors.append(float(jnp.linalg.norm(point.gradient - exact.gradient)))
    assert errors[-1] < 0.5 * errors[0]
