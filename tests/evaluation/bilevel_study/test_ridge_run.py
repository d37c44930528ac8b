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
from bilevel_jax.evaluation.bilevel_study.row_gradient import changed
from bilevel_jax.evaluation.bilevel_study.study_draws import Draw
from bilevel_jax.evaluation.bilevel_study.study_rows import ROWS

# 2 inner and 2 outer scenes, so that both have features of one shape.
DRAW = Draw(np.arange(8, 10), np.arange(2), (), {})
NAMES = ("ignore", "exact", "ignore_steps")
STEPS, KEY = 5, jax.random.key(0)


@pytest.fixture(scope="module")
def wide(stage):
    """The rule and a problem of 2 inner and 2 outer scenes, in float64."""
    with jax.enable_x64(True):
        problem = stage.problem(DRAW, 0.1)
        problem = RidgeProblem(*jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), tuple(problem)))
        yield jnp.asarray(stage.start, jnp.float64), problem


@jax.jit
def program(w, problem):
    """The gradients of some rows, and figures of the losses; one program, because compiling is what takes long."""
    points = {name: gradient_at(ROWS[name], w, None, KEY, problem, STEPS) for name in NAMES}
    whitening = ridge_head.whiten(problem.fixed.whitening)
    phi, loss = part_features(w, problem.inner, problem.fixed), ridge_head.ridge_losses(whitening, problem.ridge).inner
    at = jax.value_and_grad(lambda v: loss((phi, phi), v, problem.inner.targets))
    (begun, slope), (left, _) = at(empty_head(problem)), at(points["ignore_steps"].memory.head)
    figures = {
        "outer": outer_loss_at(w, problem),
        "begun": begun,
        "left": left,
        "unsolved": jnp.linalg.norm(at(points["exact"].memory.head)[1]) / jnp.linalg.norm(slope),
        "largest": jnp.linalg.eigvalsh(ridge_head.gram(phi, whitening, problem.ridge))[-1],
    }
    return points, figures


@pytest.fixture(scope="module")
def points(wide):
    return program(*wide)[0]


def cosine(a, b):
    return float(a @ b / jnp.linalg.norm(a) / jnp.linalg.norm(b))


def test_exact_hypergradient_agrees_with_finite_differences(wide, points):
    w, problem = wide
    found, step = points["exact"].gradient, 1e-5
    outer = [[program(w + sign * step * e, problem)[1]["outer"] for sign in (1, -1)] for e in jnp.eye(len(w))]
    np.testing.assert_allclose(found, [(up - down) / (2 * step) for up, down in outer], rtol=1e-5, atol=1e-8)
    # The features are those of a picture scaled to variance 1, so the loss does not depend on the length of w.
    assert abs(float(w @ found)) < 1e-10 * float(jnp.linalg.norm(found))


def test_solved_head_has_no_gradient_left(wide):
    assert program(*wide)[1]["unsolved"] < 1e-10


def test_placebo_has_the_length_of_the_correction_and_turned_its_opposite(points):
    right = points["exact"].gradient - points["exact"].partial
    random, opposite = (changed(ROWS[name], right, KEY) for name in ("placebo", "turned"))
    np.testing.assert_allclose(jnp.linalg.norm(random), jnp.linalg.norm(right), rtol=1e-6)
    assert abs(cosine(random, right)) < 0.99
    np.testing.assert_array_equal(opposite, -right)


def test_same_loss_on_the_same_scenes_needs_no_correction(wide):
    """The envelope theorem: F differs from f by the ridge term alone, and the correction vanishes with it."""
    w, problem = wide
    lengths = []
    for ridge in (1e-1, 1e-9):
        exact = program(w, problem._replace(outer=problem.inner, ridge=jnp.float64(ridge)))[0]["exact"]
        lengths.append(float(jnp.linalg.norm(exact.gradient - exact.partial)))
    assert lengths[1] < 0.1 * lengths[0]


def test_head_descends_at_every_rule(wide):
    """At rules far from the start, where the start's step size makes the descent diverge."""
    start, problem = wide
    rules = jax.random.normal(KEY, (8, len(start)), start.dtype)
    figures = [program(w, problem)[1] for w in rules]
    assert all(f["left"] < f["begun"] for f in figures)
    largest = max(float(f["largest"]) for f in figures)
    assert largest > 2 * 1.5 * float(program(start, problem)[1]["largest"])


@pytest.mark.slow
def test_approximations_approach_the_exact_hypergradient(wide, points):
    """Conjugate gradients, and 300 steps unrolled, which reach the minimum."""
    exact, near = points["exact"].gradient, cosine(points["ignore"].gradient, points["exact"].gradient)
    assert near < 0.999

    @jax.jit
    def both(w, problem):
        names = "conjugate_gradient", "unrolled"
        return [gradient_at(ROWS[name], w, None, KEY, problem, 300).gradient for name in names]

    approached, unrolled = both(*wide)
    assert cosine(approached, exact) > near
    np.testing.assert_allclose(cosine(unrolled, exact), 1.0, atol=2e-3)


@pytest.mark.slow
def test_rows_with_a_state_go_on_from_it(wide, points):
    """A linear system that takes one step a call approaches the exact solution while the rule stays where it is."""
    w, problem = wide
    step = jax.jit(lambda memory: gradient_at(ROWS["soba"], w, memory, KEY, problem, STEPS))
    point = step(None)
    np.testing.assert_allclose(point.gradient, point.partial)
    errors = []
    for _ in range(40):
        point = step(point.memory)
        errors.append(float(jnp.linalg.norm(point.gradient - points["exact"].gradient)))
    assert errors[-1] < 0.5 * errors[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.head != "none"])
def test_every_row_trains_the_rule(stage, name):
    trained = stage.train(name, stage.problem(DRAW, 0.1), 0.01, 0, 2)
    assert np.isfinite(trained.rules).all() and (trained.rules[2] != trained.rules[0]).any()
