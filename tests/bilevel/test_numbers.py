"""Weightings at the edges of float32: scales, ratios, opposed gradients, non-finite rows, complex leaves."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import WEIGHTINGS, dynamic_aggregate, named_weighting
from bilevel_jax.bilevel.weighting import example_options

RULES = {name: named_weighting(name, **example_options(name, 5)) for name in WEIGHTINGS}
NEED_GRAMIAN = [name for name, rule in RULES.items() if rule.needs == "gramian"]
DRAWN = np.random.default_rng(0).normal(size=(5, 12)).astype(np.float32)


def transform(name, num_tasks):
    return dynamic_aggregate(name, num_tasks=num_tasks, **example_options(name, num_tasks))


def update(name, grads, **options):
    tx = dynamic_aggregate(name, num_tasks=len(grads), **(options or example_options(name, len(grads))))
    grads = jnp.asarray(grads)
    given = tx.init({"w": grads[0]}), jnp.ones(len(grads))
    return np.asarray(tx.update({"w": grads}, given[0], losses=given[1])[0]["w"])


@pytest.mark.parametrize("name", NEED_GRAMIAN)
def test_length_of_all_gradients(name):
    """Lengths near 1e-30 and 1e30 (powers of two): the update is the same in the units of the gradients."""
    tx, degree = transform(name, 5), RULES[name].degree
    if degree is None:
        pytest.skip("it takes the Gramian as it is, in any unit")
    step = jax.jit(lambda g: tx.update({"w": g}, tx.init({"w": g[0]}))[0]["w"])
    expected = np.asarray(step(jnp.asarray(DRAWN)), np.float64)
    assert np.linalg.norm(expected) > 0.01
    for scale in (2.0**-99, 2.0**99):
        found = np.asarray(step(jnp.asarray(DRAWN * np.float32(scale))), np.float64)
        np.testing.assert_allclose(found * scale ** -(1 + degree), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("num_tasks", [pytest.param(2, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize("name", WEIGHTINGS)
def test_complex_leaves_count_as_their_parts(name, num_tasks):
    if (name, num_tasks) == ("krum", 2):
        pytest.skip("krum needs three tasks")
    drawn = DRAWN[:num_tasks]
    found = update(name, (drawn[:, :6] + 1j * drawn[:, 6:]).astype(np.complex64))
    np.testing.assert_allclose(np.concatenate([found.real, found.imag]), update(name, drawn), rtol=1e-4, atol=1e-5)


def exact_aligned(stack):
    u, values, vt = np.linalg.svd(np.asarray(stack, np.float64), full_matrices=False)
    return values[-1] * vt.T @ (u.T @ np.full(len(stack), 1 / len(stack)))


def test_aligned_mtl_keeps_its_smallest_singular_value():
    a, b = DRAWN[:2]
    for stack in ([a, 1e-2 * b], [a, 3e-4 * b], [a, 1e-6 * b], [a, a + 3e-3 * b], [a, a + 1e-4 * b]):
        stack = np.asarray(stack, np.float32)
        expected = exact_aligned(stack)
        error = np.linalg.norm(update("aligned_mtl", stack) - expected) / np.linalg.norm(expected)
        assert error < 1e-3  # of which the rounding of the float32 combination is most


def test_opposite_gradients_give_no_update():
    rng = np.random.default_rng(1)
    first = rng.normal(size=(200, 3)).astype(np.float32)
    pairs = np.stack([first, -first * np.exp(rng.normal(size=(200, 1))).astype(np.float32)], 1)
    for name in ("imtl_g", "config", "nash_mtl", "fairgrad"):
        tx = transform(name, 2)
        updates = jax.vmap(lambda g, tx=tx: tx.update({"w": g}, tx.init({"w": g[0]}))[0]["w"])(jnp.asarray(pairs))
        assert np.max(np.linalg.norm(updates, axis=1) / np.linalg.norm(pairs, axis=2).max(1)) < 1e-3
    three = np.array([[1, 0], [-1, 0], [1, 0]], np.float32)
    np.testing.assert_array_equal(update("imtl_g", three), 0)


def test_imtl_g_is_bounded_near_opposed_gradients():
    rng = np.random.default_rng(2)
    tx = transform("imtl_g", 4)
    step = jax.jit(jax.vmap(lambda g: tx.update({"w": g}, tx.init({"w": g[0]}))[0]["w"]))
    base = rng.normal(size=(300, 1, 6)) * np.array([1, -1, 2, -0.5])[:, None]
    stacks = (base + 10.0 ** rng.uniform(-4, 0, (300, 1, 1)) * rng.normal(size=(300, 4, 6))).astype(np.float32)
    lengths = np.linalg.norm(step(jnp.asarray(stacks)), axis=1) / np.linalg.norm(stacks, axis=2).max(1)
    assert lengths.max() < 1.01


@pytest.mark.parametrize("ratio", [1.0, 1e-4, 1e-8])
def test_cagrad_at_a_ratio_of_lengths(ratio):
    """Against a search over the segment of two tasks' weights in float64."""
    stack = np.array([[1.0, 0.3, 0.0], [-0.4, 1.0, 0.2]]) * np.array([[1.0], [ratio]])
    mean, c = stack.mean(0), 0.5
    best = np.concatenate([np.logspace(-20, 0, 400001), 1 - np.logspace(-20, -0.1, 1000)])
    points = best[:, None] * stack[0] + (1 - best)[:, None] * stack[1]
    lengths = np.linalg.norm(points, axis=1)
    g_w = points[np.argmin(points @ mean + c * np.linalg.norm(mean) * lengths)]
    expected = mean + c * np.linalg.norm(mean) * g_w / np.linalg.norm(g_w)
    found = update("cagrad", stack.astype(np.float32))
    assert np.linalg.norm(found - expected) < 1e-3 * np.linalg.norm(expected)


def test_non_finite_rows():
    rows = np.concatenate([DRAWN[:1] + 0.01 * DRAWN[1:5], DRAWN[:1]])
    for bad in (np.nan, np.inf):
        spoilt = np.concatenate([rows, np.full((1, 12), bad, np.float32)])
        assert np.linalg.norm(update("krum", spoilt) - DRAWN[0]) < 0.2
        assert np.linalg.norm(update("trimmed_mean", spoilt) - DRAWN[0]) < 0.2


def test_the_excess_risk_of_very_long_gradients_is_finite():
    assert np.isfinite(update("excess_mtl", DRAWN * np.float32(1e25))).all()


def test_gramian_dtype():
    """Three tasks, two of them opposed up to 3e-4, against the least-norm weights in float64."""
    a, b, c = DRAWN[:3].astype(np.float64)
    stack = np.array([a, -a + 3e-4 * b, c], np.float32)
    cosines = np.asarray(stack, np.float64) / np.linalg.norm(np.asarray(stack, np.float64), axis=1)[:, None]
    found = update("config", stack, gramian_dtype="float64")
    projections = cosines @ found
    np.testing.assert_allclose(projections, projections.mean(), rtol=2e-2)
    with pytest.raises(ValueError, match="gramian_dtype"):
        dynamic_aggregate("mgda", gramian_dtype="bfloat16")


@pytest.mark.parametrize(
    "name", ["mgda", "upgrad", "dualproj", "nash_mtl", "fairgrad", "cagrad", "aligned_mtl", "imtl_g"]
)
def test_reverse_mode_through_an_update(name):
    """The derivative of the update by a loss's factor, against a difference."""
    tx = transform(name, 3)
    base = jnp.asarray(DRAWN[:3] + 0.3)

    def f(c):
        grads = {"w": base * jnp.stack([c, jnp.ones(()), jnp.ones(())])[:, None]}
        return jnp.sum(tx.update(grads, tx.init({"w": base[0]}))[0]["w"] * jnp.arange(12.0))

    f = jax.jit(f)
    difference = (f(2.05) - f(1.95)) / 0.1
    np.testing.assert_allclose(jax.grad(f)(2.0), difference, rtol=1e-2, atol=1e-2)
    np.testing.assert_allclose(jax.jvp(f, (2.0,), (1.0,))[1], jax.grad(f)(2.0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_strict_promotion_of_types(name):
    tx = transform(name, 4)
    with jax.numpy_dtype_promotion("strict"):
        for dtype in (jnp.float32, jnp.bfloat16):
            params, grads = {"w": jnp.zeros(4, dtype)}, {"w": jnp.eye(4, dtype=dtype)}
            for present in (None, jnp.array([True, False, True, True])):
                step = functools.partial(tx.update, losses=jnp.ones(4), present=present)
                jax.eval_shape(step, grads, tx.init(params))
