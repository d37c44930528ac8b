"""Every estimator through problems with a known hypergradient: quadratics, ridge regression, data reweighting."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bilevel_jax.bilevel import ESTIMATORS, BilevelProblem, Task, estimator, outer_gradient

SGD, FAST = optax.sgd(0.2), optax.sgd(0.4)


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


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


class Regression:
    """Per-example losses: f = mean of (x.v - y)^2 e^w_i-weighted / 2 + penalty, F the plain error on other data."""

    def __init__(self, seed=0, examples=12, size=3):
        rng = np.random.default_rng(seed)
        truth = rng.normal(size=size)
        x = rng.normal(size=(2, examples, size))
        y = x @ truth + 0.3 * rng.normal(size=(2, examples))
        self.inner_batch, self.outer_batch = (
            {"x": jnp.asarray(a), "y": jnp.asarray(b)} for a, b in zip(x, y, strict=True)
        )
        self.w, self.v = jnp.asarray(rng.normal(size=size)), jnp.asarray(rng.normal(size=size))

    def outer(self, w, v, batch):
        return jnp.mean((batch["x"] @ v - batch["y"]) ** 2) / 2

    def inner(self, w, v, batch):  # ridge regression, the logarithm of each feature's penalty the outer variable
        return self.outer(w, v, batch) + jnp.sum(jnp.exp(w) * v**2) / 2


def test_ridge_hyperparameters():
    problem = Regression()
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
def test_empirical_fisher_is_the_dense_formula(options):
    problem = Regression()
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


OPTIONS = {
    "neumann": dict(step_size=0.1),
    "finite_difference": dict(step_size=0.1),
    "unrolled": dict(inner_optimizer=SGD, steps=2),
    "truncated": dict(inner_optimizer=SGD, steps=2),
    "forward": dict(inner_optimizer=SGD, steps=2),
    "value_function": dict(step_size=0.1),
    "moreau_envelope": dict(step_size=0.1),
}


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_the_form_of_an_estimate(name):
    """With aux as without; gradients shaped as the variables; the state type-stable; jit = no jit; zero gradients."""
    problem = Regression()
    steps = 2 if "steps" in OPTIONS.get(name, {}) else None
    batch = jax.tree.map(lambda a: jnp.stack([a] * steps), problem.inner_batch) if steps else problem.inner_batch
    arguments = (problem.w, problem.v, problem.outer_batch, batch)
    bare = estimator(name, problem.outer, problem.inner, **OPTIONS.get(name, {}))
    state = bare.init(problem.w, problem.v)
    plain = bare.estimate(*arguments, state)
    told = estimator(
        name,
        lambda *a: (problem.outer(*a), {"told": a[1]}),
        lambda *a: (problem.inner(*a), {"told": a[1]}),
        has_aux=True,
        **OPTIONS.get(name, {}),
    )
    with_aux = jax.jit(told.estimate)(*arguments, state)
    np.testing.assert_allclose(with_aux.outer_grad, plain.outer_grad, rtol=1e-9)
    assert "told" in with_aux.aux["outer_aux"]
    assert plain.outer_grad.shape == problem.w.shape and plain.outer_grad.dtype == problem.w.dtype
    for part in (plain.inner_grad, plain.inner_params):
        assert part is None or part.shape == problem.v.shape
    shapes = functools.partial(jax.tree.map, lambda x: (jnp.shape(x), jnp.asarray(x).dtype))
    assert shapes(plain.state) == shapes(state)
    assert all(jnp.ndim(value) == 0 for value in plain.aux.values())
    flat = estimator(
        name, lambda *_: 0.0 * problem.outer(*_), lambda *_: 0.0 * problem.inner(*_), **OPTIONS.get(name, {})
    )
    still = flat.estimate(*arguments, state)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(still)) and np.all(still.outer_grad == 0)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("conjugate_gradient", dict(iterations=0), "iterations >= 1"),
        ("neumann", dict(step_size=-1.0), "step_size > 0"),
        ("value_function", dict(step_size=0.1, method="both"), "method in"),
        ("penalty", dict(kind="both"), "kind in"),
        ("penalty", dict(gamma=0.0), "gamma > 0"),
        ("moreau_envelope", dict(step_size=0.1, p=0.7), "0 <= p < 1/2"),
        ("truncated", dict(inner_optimizer=SGD, steps=2, backward_steps=3), "backward_steps <= steps"),
        ("forward", dict(inner_optimizer=SGD, steps=2, axis_name="data", sharded_outer=True), "use unrolled"),
    ],
)
def test_wrong_options(name, options, message):
    with pytest.raises(ValueError, match=message):
        estimator(name, None, None, **options)


def test_batches_for_each_step():
    problem = Regression()
    made = estimator("unrolled", problem.outer, problem.inner, inner_optimizer=SGD, steps=3)
    with pytest.raises(ValueError, match="leading axis of 3 steps"):
        made.estimate(problem.w, problem.v, problem.outer_batch, problem.inner_batch, made.init(problem.w, problem.v))
