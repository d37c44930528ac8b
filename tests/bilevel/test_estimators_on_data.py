"""Estimators on problems with data: ridge regression, weights of samples, and a shared forward pass."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bilevel_jax.bilevel import ESTIMATORS, BilevelProblem, Task, estimator, outer_gradient

pytestmark = pytest.mark.usefixtures("float64")


def test_ridge_hyperparameters(regression):
    problem = regression
    x, y = np.asarray(problem.inner_batch["x"]), np.asarray(problem.inner_batch["y"])

    def solved(w):
        return jnp.linalg.solve(x.T @ x / len(y) + jnp.diag(jnp.exp(w)), x.T @ y / len(y))

    exact = jax.grad(lambda w: problem.outer(w, solved(w), problem.outer_batch))(problem.w)
    for name, options in {
        "conjugate_gradient": dict(iterations=3),
        "neumann": dict(step_size=0.25, iterations=60),
    }.items():
        made = estimator(name, problem.outer, problem.inner, **options)
        v = solved(problem.w)
        result = jax.jit(made.estimate)(problem.w, v, problem.outer_batch, problem.inner_batch, ())
        np.testing.assert_allclose(result.outer_grad, exact, rtol=1e-4, atol=1e-7, err_msg=name)


def test_data_reweighting_by_long_unrolling():
    """Logistic regression with a weight a sample: the implicit hypergradient is the limit of unrolling."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 20, 3)), rng.integers(0, 2, size=(2, 20)) * 2 - 1

    def error(v, k):
        return jnp.logaddexp(0, -y[k] * (x[k] @ v))

    def inner(w, v, batch):
        return jnp.mean(jax.nn.sigmoid(w) * error(v, 0)) + 0.1 * jnp.sum(v**2)

    def outer(w, v, batch):
        return jnp.mean(error(v, 1))

    w, v = jnp.asarray(rng.normal(size=20)), jnp.zeros(3)
    unrolled = estimator("unrolled", outer, inner, inner_optimizer=optax.sgd(4.0), steps=24)
    reached = jax.jit(unrolled.estimate)(w, v, None, None, unrolled.init(w, v))
    gradient = jax.grad(inner, 1)(w, reached.inner_params, None)
    assert np.linalg.norm(gradient) < 1e-7  # the unrolling is long enough
    implicit = estimator("conjugate_gradient", outer, inner, iterations=3).estimate(w, reached.inner_params, 0, 0, ())
    np.testing.assert_allclose(implicit.outer_grad, reached.outer_grad, rtol=1e-4, atol=1e-9)


def per_example(problem, loss, argument):
    def example(i):
        return jax.tree.map(lambda a: a[i : i + 1], problem.inner_batch)

    return np.stack([jax.grad(loss, argument)(problem.w, problem.v, example(i)) for i in range(12)])


@pytest.mark.parametrize("options", [dict(damping=0.2, relative_damping=0.0), dict(), dict(correction=0.5)])
def test_empirical_fisher_is_the_dense_formula(options, regression):
    problem = regression
    b, a = per_example(problem, problem.inner, 0), per_example(problem, problem.inner, 1)
    d = options.get("damping", 0.0) + options.get("relative_damping", 0.1) * np.mean(np.sum(a**2, axis=1))
    F_w, F_v = jax.grad(problem.outer, (0, 1))(problem.w, problem.v, problem.outer_batch)
    dense = (b.T @ a / 12) @ np.linalg.solve(a.T @ a / 12 + d * np.eye(3), F_v)
    made = estimator("empirical_fisher", problem.outer, problem.inner, **options)
    found = made.estimate(problem.w, problem.v, problem.outer_batch, problem.inner_batch, ())
    np.testing.assert_allclose(found.outer_grad, F_w - options.get("correction", 1.0) * dense, rtol=1e-8)
    assert found.aux["inner_loss"] == pytest.approx(problem.inner(problem.w, problem.v, problem.inner_batch))


@pytest.mark.parametrize("name", ["empirical_fisher", "conjugate_gradient", "neumann", "finite_difference"])
def test_through_the_shared_forward_pass(name):
    """With (u_outer, u_inner) for its outer variable an estimator gives that of the parameters behind u."""
    rng = np.random.default_rng(3)
    x, y = jnp.asarray(rng.normal(size=(2, 8, 5))), jnp.asarray(rng.normal(size=(2, 8)))
    w, v = {"matrix": jnp.asarray(rng.normal(size=(5, 3)))}, {"head": {"v": jnp.asarray(rng.normal(size=3))}}
    batches = [{"x": a, "y": b} for a, b in zip(x, y, strict=True)]

    def forward(w, batch):
        return jnp.tanh(batch["x"] @ w["matrix"])

    def inner(u, v, batch):
        return jnp.mean((u @ v["v"] - batch["y"]) ** 2) + 0.1 * jnp.sum(v["v"] ** 2)

    def outer(u, v, batch):
        return jnp.mean(jnp.abs(u @ v["head"]["v"] - batch["y"]) ** 3)

    options = {"neumann": dict(step_size=0.1), "finite_difference": dict(step_size=0.1)}.get(name, {})
    plain = estimator(
        name,
        lambda w, v, batch: outer(forward(w, batch), {"head": v}, batch),
        lambda w, v, batch: inner(forward(w, batch), v, batch),
        **options,
    ).estimate(w, v["head"], *batches, ())
    axes = {"outer_in_axes": (None, 0)} if name == "empirical_fisher" else {}
    problem = BilevelProblem(forward, {"head": Task(inner, outer)})
    factory = functools.partial(ESTIMATORS[name], **options, **axes)
    shared, _ = outer_gradient(problem, w, v, *batches, estimators=factory, weights=jnp.ones(1))
    tolerance = 1e-3 if name == "finite_difference" else 1e-8  # a difference in another variable
    np.testing.assert_allclose(shared["matrix"], plain.outer_grad["matrix"], rtol=tolerance, atol=1e-6)
