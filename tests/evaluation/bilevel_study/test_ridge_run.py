"""The hypergradients of the ridge stage: finite differences, what equals what, and what the controls change."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.evaluation.bilevel_study import ridge_head
from bilevel_jax.evaluation.bilevel_study.ridge_run import (
    RidgeProblem,
    empty_head,
    exact_hypergradient,
    gradient_at,
    inner_rate,
    outer_loss_at,
    part_features,
)
from bilevel_jax.evaluation.bilevel_study.study_problems import Draw
from bilevel_jax.evaluation.bilevel_study.study_rows import ROWS

DRAW = Draw(np.arange(8, 12), np.arange(8), (), {})


@pytest.fixture(scope="module")
def wide(stage):
    """The rule and a problem of 4 inner and 8 outer scenes, in float64."""
    with jax.enable_x64(True):
        problem = stage.problem(DRAW, 0.1)
        problem = RidgeProblem(*jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), tuple(problem)))
        w = jnp.asarray(stage.start, jnp.float64)
        yield w, problem._replace(rate=jax.jit(inner_rate)(w, problem))


def gradient(name, w, problem, steps=20):
    return jax.jit(lambda w, p: gradient_at(ROWS[name], w, empty_head(p), jax.random.key(0), p, steps))(w, problem)


def cosine(a, b):
    return float(a @ b / jnp.linalg.norm(a) / jnp.linalg.norm(b))


def test_exact_hypergradient_agrees_with_finite_differences(wide):
    w, problem = wide
    loss, found, step = jax.jit(outer_loss_at), exact_hypergradient(w, problem), 1e-5
    moved = [(loss(w + step * e, problem) - loss(w - step * e, problem)) / (2 * step) for e in jnp.eye(len(w))]
    np.testing.assert_allclose(found, jnp.stack(moved), rtol=1e-5, atol=1e-8)
    # The features are those of a picture scaled to variance 1, so the loss does not depend on the length of w.
    assert abs(float(w @ found)) < 1e-10 * float(jnp.linalg.norm(found))


def test_solved_head_has_no_gradient_left(wide):
    w, problem = wide
    whitening = ridge_head.whiten(problem.fixed.whitening)
    phi = part_features(w, problem.inner, problem.fixed)
    head = ridge_head.solve(phi, problem.inner.targets, whitening, problem.ridge)
    loss = ridge_head.ridge_losses(whitening, problem.ridge).inner
    slope = jax.grad(lambda v: loss((phi, phi), v, problem.inner.targets))
    assert jnp.linalg.norm(slope(head)) < 1e-10 * jnp.linalg.norm(slope(jnp.zeros_like(head)))


def test_conjugate_gradients_and_unrolling_approach_the_exact_hypergradient(wide):
    w, problem = wide
    exact, partial = exact_hypergradient(w, problem), gradient("ignore", w, problem).gradient
    near = cosine(partial, exact)
    assert near < 0.999
    assert cosine(gradient("conjugate_gradient", w, problem).gradient, exact) > near
    unrolled = gradient("unrolled", w, problem, 300)
    np.testing.assert_allclose(cosine(unrolled.gradient, exact), 1.0, atol=2e-3)


def test_placebo_has_the_length_of_the_correction_and_turned_its_opposite(wide):
    w, problem = wide
    exact, placebo, turned = (gradient(name, w, problem) for name in ("exact", "placebo", "turned"))
    right = exact.gradient - exact.partial
    np.testing.assert_allclose(jnp.linalg.norm(placebo.gradient - placebo.partial), jnp.linalg.norm(right), rtol=1e-6)
    assert abs(cosine(placebo.gradient - placebo.partial, right)) < 0.99
    np.testing.assert_allclose(turned.gradient - turned.partial, -right, rtol=1e-6)


def test_same_loss_on_the_same_scenes_needs_no_correction(wide):
    """The envelope theorem: F differs from f by the ridge term alone, and the correction vanishes with it."""
    w, problem = wide
    correct = jax.jit(lambda p: exact_correction_of(w, p))
    lengths = [float(correct(problem._replace(outer=problem.inner, ridge=ridge))) for ridge in (1e-1, 1e-3)]
    assert lengths[1] < 0.1 * lengths[0]


def exact_correction_of(w, problem):
    point = gradient_at(ROWS["exact"], w, empty_head(problem), jax.random.key(0), problem, 20)
    return jnp.linalg.norm(point.gradient - point.partial)
