"""Weightings against reference values: TorchJD's, the exact optimum, and the equations of the papers."""

import functools
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import WEIGHTINGS, dynamic_aggregate, named_weighting
from bilevel_jax.bilevel.weighting.small_quadratic_programs import into_dual_cone, shortest

pcgrad_module = sys.modules["bilevel_jax.bilevel.weighting.pcgrad"]  # the package exports the function of that name
GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "weightings.npz")
KINDS = sorted({name.split("/")[0] for name in GOLDEN})
SCALED = tuple(kind for kind in KINDS if kind != "scaled")
INDEPENDENT = ("random", "conflicting", "one_zero", "zero")

# golden name: (weighting, options, kinds that have one answer)
TABLE = {
    "equal": ("equal", {}, KINDS),
    "fixed": ("fixed", {"weights": "preference"}, KINDS),
    "mgda": ("mgda", {}, KINDS),
    "dualproj": ("dualproj", {}, KINDS),
    "dualproj_preference": ("dualproj", {"preference": "preference"}, KINDS),
    "upgrad": ("upgrad", {}, KINDS),
    "upgrad_preference": ("upgrad", {"preference": "preference"}, KINDS),
    "cagrad": ("cagrad", {"c": 0.5}, SCALED),
    "config": ("config", {}, KINDS),
    "config_preference": ("config", {"preference": "preference"}, KINDS),
    "imtl_g": ("imtl_g", {}, INDEPENDENT),
    "aligned_mtl_min": ("aligned_mtl", {}, SCALED),
    "aligned_mtl_median": ("aligned_mtl", {"scale_mode": "median"}, SCALED),
    "aligned_mtl_rmse": ("aligned_mtl", {"scale_mode": "rmse"}, SCALED),
    "nash_mtl": ("nash_mtl", {"max_norm": 0}, KINDS),
    "fairgrad": ("fairgrad", {}, KINDS),
    "krum": ("krum", {"n_byzantine": 1, "n_selected": 2}, KINDS),
    "trimmed_mean": ("trimmed_mean", {"trim_number": 1}, KINDS),
}


def one_update(name, options, stack, later=None):
    """The update that a fresh dynamic_aggregate makes of [K, n] (the second one, of `later`, where it is given)."""
    tx = dynamic_aggregate(name, num_tasks=stack.shape[0], **options)
    # Two leaves: nothing may depend on how the parameters are cut up.
    cut = lambda g: {"a": g[:, :5], "b": g[:, 5:].reshape(-1, 1, g.shape[1] - 5)}  # noqa: E731
    state = tx.init(jax.tree.map(lambda g: g[0], cut(stack)))
    losses = jnp.ones(stack.shape[0])
    update, state = tx.update(cut(stack), state, losses=losses)
    if later is not None:
        update, state = tx.update(cut(later), state, losses=losses)
    return jnp.concatenate([update["a"], update["b"].ravel()])


def with_preference(options, num_tasks):
    return {
        key: tuple(np.linspace(1, 2, num_tasks)) if value == "preference" else value for key, value in options.items()
    }


def batch(name, kinds, num_tasks):
    return np.stack([GOLDEN[f"{kind}/{num_tasks}/{name}"] for kind in kinds])


def check(actual, expected, stacks, tolerance, kinds):
    for kind, a, b, stack in zip(kinds, actual, expected, stacks, strict=True):
        norms = np.linalg.norm(stack, axis=1)
        scale = (
            max(np.linalg.norm(b), 0.01 * np.min(norms, initial=np.inf, where=norms > 0), 1e-12) if norms.any() else 1
        )
        assert np.linalg.norm(a - b) <= tolerance * scale, (kind, a, b)


@pytest.mark.parametrize(
    ("num_tasks", "dtype"),  # the default set compiles each weighting once; pytest -m slow runs the others
    [(8, "float32")] + [pytest.param(k, "float64", marks=pytest.mark.slow) for k in (1, 2, 3, 8)],
)
@pytest.mark.parametrize("golden", TABLE)
def test_reference_values(golden, num_tasks, dtype):
    name, options, kinds = TABLE[golden]
    if f"random/{num_tasks}/{golden}" not in GOLDEN:
        with pytest.raises(ValueError, match="needs at least"):
            dynamic_aggregate(name, num_tasks=num_tasks, **options).init(jnp.zeros(3))
        return
    compute = functools.partial(one_update, name, with_preference(options, num_tasks))
    stacks, expected = batch("stack", kinds, num_tasks), batch(golden, kinds, num_tasks)
    with jax.enable_x64(dtype == "float64"):
        actual = np.asarray(jax.jit(jax.vmap(compute))(stacks.astype(dtype)))
    check(actual, expected, stacks, 1e-6 if dtype == "float64" else 1e-4, kinds)


# What needs a key or a past: the draws are given, the past is one update.


@pytest.mark.parametrize("num_tasks", [2, 8])
def test_pcgrad_in_a_given_order(num_tasks, monkeypatch):
    given = []
    monkeypatch.setattr(pcgrad_module, "random_orders", lambda key, size: jnp.tile(given[-1], (size, 1)))

    def compute(stack, order):
        given.append(order)
        weights, _ = WEIGHTINGS["pcgrad"]().weigh(stack @ stack.T, jax.random.PRNGKey(0))
        return weights @ stack

    with jax.enable_x64(True):
        stacks, orders, expected = (batch(name, KINDS, num_tasks) for name in ("stack", "order", "pcgrad"))
        check(np.asarray(jax.jit(jax.vmap(compute))(stacks, orders)), expected, stacks, 1e-6, KINDS)


def test_random_orders_are_orders():
    orders = np.asarray(pcgrad_module.random_orders(jax.random.PRNGKey(0), 8))
    assert np.array_equal(np.sort(orders, axis=1), np.tile(np.arange(8), (8, 1)))
    assert len({tuple(order) for order in orders}) > 1


# Where TorchJD adds 1e-7 or 1e-8 to a denominator, tiny gradients and a target cosine of 1 have another answer.
REGULARISED = [kind for kind in KINDS if kind not in ("scaled", "parallel")]


@pytest.mark.parametrize("num_tasks", [1, 2])
def test_gradvac(num_tasks):
    with jax.enable_x64(True):
        compute = jax.jit(jax.vmap(functools.partial(one_update, "gradvac", {"beta": 0.5})))
        stack, later, expected = (batch(name, REGULARISED, num_tasks) for name in ("stack", "later", "gradvac"))
        check(np.asarray(compute(stack, later)), expected, later, 1e-5, REGULARISED)


@pytest.mark.parametrize("num_tasks", [2, 8])
def test_excess_mtl(num_tasks):
    with jax.enable_x64(True):
        compute = jax.jit(jax.vmap(functools.partial(one_update, "excess_mtl", {})))
        stack, later, expected = (batch(name, REGULARISED, num_tasks) for name in ("stack", "later", "excess_mtl"))
        check(np.asarray(compute(stack, later)), expected, later, 1e-5, REGULARISED)


@pytest.mark.parametrize("num_tasks", [1, 2, 8])
def test_graddrop_with_given_draws(num_tasks, monkeypatch):
    for kind in KINDS:
        stack, uniforms, expected = (GOLDEN[f"{kind}/{num_tasks}/{name}"] for name in ("stack", "uniforms", "graddrop"))
        monkeypatch.setattr(jax.random, "uniform", lambda *_, u=uniforms: jnp.asarray(u))
        with jax.enable_x64(True):
            rule = named_weighting("graddrop")
            update, _ = rule.weigh(jnp.asarray(stack), rule.init(num_tasks, jax.random.PRNGKey(0)))
            check([np.asarray(update)], [expected], [stack], 1e-6, [kind])


def test_graddrop_keeps_one_sign_and_what_leaks():
    stack = jnp.asarray(GOLDEN["random/3/stack"], jnp.float32)
    update = np.asarray(one_update("graddrop", {}, stack))
    positive, negative = np.where(stack > 0, stack, 0).sum(0), np.where(stack < 0, stack, 0).sum(0)
    assert np.all(np.isclose(update, positive, rtol=1e-5) | np.isclose(update, negative, rtol=1e-5))
    np.testing.assert_allclose(one_update("graddrop", {"leak": (1.0, 1.0, 1.0)}, stack), stack.sum(0), rtol=1e-5)


def test_dwa_is_the_papers_equation():
    losses = np.array([[4.0, 1.0], [2.0, 1.0], [1.0, 0.9], [1.0, 0.8]])
    rule = named_weighting("dwa", T=2.0)
    state, found = rule.init(2, None), []
    for row in losses:
        weights, state = rule.weigh(jnp.asarray(row), state)
        found.append(weights)
    np.testing.assert_allclose(found[0], [0.5, 0.5])
    for step in (1, 2, 3):
        ratios = np.exp(losses[step] / losses[step - 1] / 2.0)
        np.testing.assert_allclose(found[step], ratios / ratios.sum(), rtol=1e-6)
    rule = named_weighting("dwa", window=2)
    state = rule.init(2, None)
    for row in losses:
        weights, state = rule.weigh(jnp.asarray(row), state)
    ratios = np.exp((losses[2] + losses[3]) / (losses[0] + losses[1]) / 2.0)
    np.testing.assert_allclose(weights, ratios / ratios.sum(), rtol=1e-6)


def test_dirichlet_draws_from_the_simplex():
    rule = named_weighting("dirichlet", alpha=2.0)
    state, drawn = rule.init(3, jax.random.PRNGKey(0)), []
    for _ in range(300):
        weights, state = rule.weigh(None, state)
        drawn.append(weights)
    drawn = np.stack(drawn)
    np.testing.assert_allclose(drawn.sum(1), 1, rtol=1e-5)
    # Var = (1/K)(1 - 1/K) / (K alpha + 1)
    np.testing.assert_allclose(drawn.mean(0), 1 / 3, atol=0.04)
    np.testing.assert_allclose(drawn.var(0), 2 / 9 / 7, rtol=0.35)


@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
def test_programs_reach_their_optimum(dtype):
    """Within 1e-6 of the optimum, by the duality gap of each program."""
    with jax.enable_x64(dtype == "float64"):
        hull, cone = jax.jit(shortest), jax.jit(into_dual_cone)
        for seed in range(12):
            rng = np.random.default_rng(seed)
            num_tasks = (3, 16)[seed % 2]
            stack = rng.normal(size=(num_tasks, max(2, num_tasks - seed))).astype(dtype)
            matrix = stack @ stack.T
            w, stack = np.asarray(hull(matrix), float), stack.astype(float)
            d = w @ stack
            assert np.all(w >= 0) and abs(w.sum() - 1) < 1e-6
            assert d @ d - np.min(stack @ d) <= 1e-6 * np.min((stack**2).sum(1))
            u = rng.uniform(size=num_tasks)
            v = np.asarray(cone(matrix, u.astype(dtype)), float)
            d = v @ stack
            slack = (v - u) @ (stack @ d)
            assert np.all(v >= u * (1 - 1e-6)) and abs(slack) <= 1e-6 * (u @ np.linalg.norm(stack, axis=1)) ** 2
