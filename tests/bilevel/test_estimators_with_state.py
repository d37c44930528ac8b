"""Estimators that carry a solution or a key from call to call: what they reach after 50 calls, and what enters."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import ESTIMATORS, BilevelProblem, Task, estimator, estimator_states, outer_gradient

FLAT = np.r_[np.linspace(10, 100, 10), np.full(10, 0.5)]
OPTIONS = {
    "conjugate_gradient": dict(warm_start=True, iterations=10),
    "soba": dict(step_size=0.1),
    "nystrom": dict(rank=10),
}


def problem(eigenvalues, seed, turned=True):
    """f = v A v / 2 - v B w and F = |v - t|^2 / 2 in 20 dimensions at v*, and the exact hypergradient in float64."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(20, 20)))[0] if turned else np.eye(20)
    A, B = basis @ np.diag(eigenvalues) @ basis.T, rng.normal(size=(20, 4))
    t, w = rng.normal(size=20), rng.normal(size=4)
    best = np.linalg.solve(A, B @ w)
    exact = B.T @ np.linalg.solve(A, best - t)
    A, B, t, w, best = (jnp.float32(a) for a in (A, B, t, w, best))
    return (
        (lambda w, v, batch: jnp.sum((v - t) ** 2) / 2, lambda w, v, batch: v @ A @ v / 2 - v @ B @ w),
        w,
        best,
        exact,
    )


def errors(name, eigenvalues, seed, calls=50, turned=True, **options):
    losses, w, v, exact = problem(eigenvalues, seed, turned)
    made = estimator(name, *losses, **options)
    step, state, found = jax.jit(lambda state: made.estimate(w, v, None, None, state)), made.init(w, v), []
    for _ in range(calls):
        result = step(state)
        state = result.state
        found.append(np.linalg.norm(result.outer_grad - exact) / np.linalg.norm(exact))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_warm_conjugate_gradients_at_condition_1e4(seed):
    found = errors("conjugate_gradient", np.logspace(0, 4, 20), seed, **OPTIONS["conjugate_gradient"])
    cold = errors("conjugate_gradient", np.logspace(0, 4, 20), seed, calls=1, iterations=10)
    assert found[-1] < 0.05 < found[0] and cold[0] > 0.05


@pytest.mark.parametrize("seed", range(3))
def test_soba_at_condition_10(seed):
    found = errors("soba", np.linspace(1, 10, 20), seed, **OPTIONS["soba"])
    assert found[-1] < 0.05 < found[10] and found[0] == pytest.approx(1, rel=1e-5)  # F_w, which is 0, at first


@pytest.mark.parametrize("turned", [True, False], ids=["any basis", "one coordinate an eigenvector"])
@pytest.mark.parametrize("seed", range(3))
def test_nystrom_above_a_flat_rest(seed, turned):
    assert max(errors("nystrom", FLAT, seed, turned=turned, rank=10)) < 0.05  # at each of 50 draws
    assert max(errors("nystrom", np.full(20, 3.0), seed, calls=3, rank=2)) < 1e-4
    assert max(errors("nystrom", FLAT, seed, calls=3, rank=30)) < 1e-2  # more than there are coordinates


def test_nystrom_draws_anew_at_each_call():
    losses, w, v, _ = problem(np.linspace(1, 50, 20), 0)
    made = estimator("nystrom", *losses, rank=3)
    first = made.estimate(w, v, None, None, made.init(w, v))
    second = made.estimate(w, v, None, None, first.state)
    again = made.estimate(w, v, None, None, made.init(w, v))
    np.testing.assert_array_equal(first.outer_grad, again.outer_grad)
    assert not np.array_equal(first.outer_grad, second.outer_grad)
    assert float(first.aux["residual_norm"]) > 0


def test_soba_takes_one_product():
    """The inner loss is linearised once and pulled once: four products with A, of which two are the gradient's own."""
    losses, w, v, _ = problem(np.linspace(1, 10, 20), 0)
    made = estimator("soba", *losses, step_size=0.1)
    text = str(jax.make_jaxpr(made.estimate)(w, v, None, None, made.init(w, v)))
    one = estimator("conjugate_gradient", *losses, iterations=1)
    more = str(jax.make_jaxpr(one.estimate)(w, v, None, None, ()))
    assert text.count("dot_general[") < more.count("dot_general[")


@pytest.mark.parametrize("name", OPTIONS)
def test_a_nan_does_not_stay(name):
    losses, w, v, exact = problem(FLAT, 0)
    made = estimator(name, *losses, **OPTIONS[name])
    spoilt = made.estimate(w, v.at[0].set(jnp.nan), None, None, made.init(w, v))
    assert np.all(np.isnan(spoilt.outer_grad)) or name == "soba"
    after = made.estimate(w, v, None, None, spoilt.state)
    assert np.all(np.isfinite(after.outer_grad))
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(after.state))


def test_states_through_the_shared_forward_pass():
    """`outer_gradient` carries the states by task; without them a task begins anew at each call."""
    rng = np.random.default_rng(3)
    x, y = (jnp.float32(rng.normal(size=shape)) for shape in ((8, 5), (8,)))
    w, v, batch = jnp.float32(rng.normal(size=(5, 3))), {"head": jnp.float32(rng.normal(size=3))}, {"x": x, "y": y}
    inner = lambda u, v, batch: jnp.mean((u @ v - batch["y"]) ** 2) + 0.1 * jnp.sum(v**2)  # noqa: E731
    outer = lambda u, v, batch: jnp.mean(jnp.abs(u @ v["head"] - batch["y"]) ** 3)  # noqa: E731
    shared = BilevelProblem(lambda w, batch: jnp.tanh(batch["x"] @ w), {"head": Task(inner, outer)})
    make = lambda *losses, **context: ESTIMATORS["soba"](*losses, step_size=0.1, **context)  # noqa: E731
    states = estimator_states(v, make)
    plain = make(
        lambda w, v, batch: outer(shared.forward(w, batch), {"head": v}, batch),
        lambda w, v, batch: inner(shared.forward(w, batch), v, batch),
    )
    state = plain.init(w, v["head"])
    for call in range(3):
        found, aux = outer_gradient(shared, w, v, batch, batch, estimators=make, states=states, weights=jnp.ones(1))
        expected = plain.estimate(w, v["head"], batch, batch, state)
        np.testing.assert_allclose(found, expected.outer_grad, rtol=1e-4, atol=1e-6)
        states, state = {"head": aux["head"]["state"]}, expected.state
        np.testing.assert_allclose(states["head"], state, rtol=1e-4, atol=1e-6)
        anew, _ = outer_gradient(shared, w, v, batch, batch, estimators=make, weights=jnp.ones(1))
        assert (np.abs(anew - found).max() > 1e-4) == (call > 0)
    assert estimator_states(v) == {}  # one_step keeps nothing
