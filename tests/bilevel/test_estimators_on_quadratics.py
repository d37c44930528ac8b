"""Estimators on quadratic problems, whose hypergradient is known in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bilevel_jax.bilevel import estimator

SGD, FAST = optax.sgd(0.2), optax.sgd(0.4)


pytestmark = pytest.mark.usefixtures("float64")


class Quadratic:
    """f = v A v / 2 - v B w and F = |v - t|^2 / 2 + |w|^2 / 4, eigenvalues of A in [0.5, 4]."""

    def __init__(self, seed=0, size=6, outer_size=4):
        rng = np.random.default_rng(seed)
        basis = np.linalg.qr(rng.normal(size=(size, size)))[0]
        self.A = basis @ np.diag(rng.uniform(0.5, 4, size)) @ basis.T
        self.B, self.t, self.w = rng.normal(size=(size, outer_size)), rng.normal(size=size), rng.normal(size=outer_size)
        self.best = np.linalg.solve(self.A, self.B @ self.w)
        self.exact = self.w / 2 + self.B.T @ np.linalg.solve(self.A, self.best - self.t)
        self.away = rng.normal(size=size)

    def outer(self, w, v, batch):
        return jnp.sum((v["v"] - self.t) ** 2) / 2 + jnp.sum(w**2) / 4

    def inner(self, w, v, batch):
        return v["v"] @ self.A @ v["v"] / 2 - v["v"] @ self.B @ w

    def estimate(self, name, distance=0.0, calls=1, follow=0.0, **options):
        """The last of `calls` estimates; between them v takes a step of `follow` along inner_grad."""
        made = estimator(name, self.outer, self.inner, **options)
        w, v = jnp.asarray(self.w), {"v": jnp.asarray(self.best + distance * self.away)}
        step, state = jax.jit(lambda v, state: made.estimate(w, v, None, None, state)), made.init(w, v)
        for _ in range(calls):
            result = step(v, state)
            state = result.state
            if follow:
                v = jax.tree.map(lambda a, g: a - follow * g, v, result.inner_grad)
        return result

    def error(self, *arguments, **options):
        found = np.asarray(self.estimate(*arguments, **options).outer_grad)
        return np.linalg.norm(found - self.exact) / np.linalg.norm(self.exact)


# name: (options, relative error allowed at v*)
CONVERGED = {
    "conjugate_gradient": (dict(iterations=6), 1e-8),
    "neumann": (dict(step_size=0.4, iterations=60), 1e-4),
    "unrolled": (dict(inner_optimizer=FAST, steps=50), 1e-4),
    "truncated": (dict(inner_optimizer=FAST, steps=52, backward_steps=50), 1e-4),
    "forward": (dict(inner_optimizer=FAST, steps=50), 1e-4),
    # a bias of order 1 / multiplier
    "value_function": (dict(step_size=0.4, steps=40, multiplier=1e4), 1e-3),
}


@pytest.mark.parametrize("name", CONVERGED)
def test_converges_to_the_exact_hypergradient(name):
    options, tolerance = CONVERGED[name]
    assert Quadratic().error(name, **options) < tolerance


@pytest.mark.parametrize(
    ("name", "strong", "options"),
    [
        ("penalty", "gamma", dict(step_size=0.2, steps=60)),
        ("penalty", "gamma", dict(kind="gradient")),
        ("moreau_envelope", "c", dict(step_size=0.15, p=0.0, steps=20)),
    ],
    ids=["penalty-value", "penalty-gradient", "moreau_envelope"],
)
def test_penalties_come_near_as_they_grow(name, strong, options):
    """Where v has followed inner_grad to rest, the error is of the order of 1 / penalty."""
    errors = []
    for value in (30.0, 300.0):
        # the inner gradient is as stiff as the penalty; MEHA's is scaled by its inverse
        follow = 0.2 if name == "moreau_envelope" else (0.2 if options.get("kind") != "gradient" else 0.05) / value
        errors.append(Quadratic().error(name, calls=2500, follow=follow, **{strong: value}, **options))
    assert errors[1] < 0.15 * errors[0] and errors[1] < 0.1, errors


def test_truncation_error_falls_geometrically():
    problem = Quadratic()
    errors = [problem.error("truncated", inner_optimizer=SGD, steps=40, backward_steps=n) for n in (0, 5, 10, 20)]
    rate = 1 - 0.2 * np.linalg.eigvalsh(problem.A)[0]
    first = np.linalg.norm(problem.B, 2) * np.linalg.norm(np.linalg.solve(problem.A, problem.best - problem.t))
    bound = first / np.linalg.norm(problem.exact)
    assert all(error <= bound * rate**n for n, error in zip((0, 5, 10, 20), errors, strict=True))
    assert errors[3] < 0.2 * errors[0]
    nothing = problem.estimate("truncated", inner_optimizer=SGD, steps=3, backward_steps=0).outer_grad
    np.testing.assert_allclose(nothing, problem.w / 2)


@pytest.mark.parametrize("inner_optimizer", [SGD, optax.adam(0.1)], ids=["sgd", "adam"])
def test_unrolled_and_forward_are_the_derivative_of_the_steps(inner_optimizer):
    problem, steps = Quadratic(), 5
    options = dict(distance=1.0, inner_optimizer=inner_optimizer, steps=steps)
    reverse, forward = (problem.estimate(name, **options) for name in ("unrolled", "forward"))

    def reached(w):
        v = {"v": jnp.asarray(problem.best + problem.away)}
        state = inner_optimizer.init(v)
        for _ in range(steps):
            updates, state = inner_optimizer.update(jax.grad(problem.inner, 1)(w, v, None), state)
            v = optax.apply_updates(v, updates)
        return v

    total = jax.jit(lambda w: problem.outer(w, reached(w), None))
    differences = [(total(problem.w + e) - total(problem.w - e)) / 2e-6 for e in 1e-6 * np.eye(4)]
    np.testing.assert_allclose(reverse.outer_grad, differences, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(forward.outer_grad, reverse.outer_grad, rtol=1e-9)
    np.testing.assert_allclose(reverse.inner_params["v"], reached(jnp.asarray(problem.w))["v"], rtol=1e-9)
    jax.tree.map(np.testing.assert_allclose, reverse.state, forward.state)


def test_finite_difference_is_one_unrolled_step():
    problem = Quadratic()
    darts = problem.estimate("finite_difference", distance=1.0, step_size=0.1).outer_grad
    one = problem.estimate("unrolled", distance=1.0, inner_optimizer=optax.sgd(0.1), steps=1).outer_grad
    np.testing.assert_allclose(darts, one, rtol=1e-8)  # central differences of a quadratic are exact


def test_bome_makes_the_value_gap_fall():
    problem = Quadratic()
    result = problem.estimate("value_function", distance=1.0, method="bome", step_size=0.1, steps=5, eta=0.5)
    w, v = jnp.asarray(problem.w), problem.best + problem.away
    reached = v
    for _ in range(5):
        reached = reached - 0.1 * (problem.A @ reached - problem.B @ w)
    q_w, q_v = problem.B.T @ (reached - v), problem.A @ v - problem.B @ w
    fall = result.outer_grad @ q_w + result.inner_grad["v"] @ q_v
    assert result.aux["multiplier"] >= 0
    assert fall >= 0.5 * (q_w @ q_w + q_v @ q_v) * (1 - 1e-9)  # eq. of BOME's constraint
    expected = problem.w / 2 + result.aux["multiplier"] * q_w
    np.testing.assert_allclose(result.outer_grad, expected, rtol=1e-9)
