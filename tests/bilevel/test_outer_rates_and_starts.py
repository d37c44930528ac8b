"""Learning rates and initialisations as outer variables, dead units under Adam, and loops of many steps."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bilevel_jax.bilevel import estimator


def inner(w, v, batch):
    return jnp.sum((v - 1.0) ** 2)


def outer(w, v, batch):
    return jnp.sum((v - 3.0) ** 2)


def reached(rate, start):
    v = np.full(2, start, np.float64)
    for _ in range(3):
        v = v - rate * 2 * (v - 1)
    return np.sum((v - 3) ** 2)


def exact(rate=0.1, start=0.0, by="rate", step=1e-6):
    """A central difference in float64."""
    moved = [reached(rate + s * (by == "rate"), start + s * (by == "start")) for s in (step, -step)]
    return (moved[0] - moved[1]) / (2 * step)


@pytest.mark.parametrize("loop", ["unroll", "scan"])
@pytest.mark.parametrize("name", ["unrolled", "forward", "truncated"])
def test_a_learning_rate_as_the_outer_variable(name, loop):
    options = {"steps": 3, "loop": loop} | ({"backward_steps": 3} if name == "truncated" else {})
    method = estimator(name, outer, inner, inner_optimizer=lambda w: optax.sgd(w), **options)
    w, v = jnp.array(0.1), jnp.zeros(2)
    found = jax.jit(method.estimate)(w, v, None, None, method.init(w, v))
    np.testing.assert_allclose(found.outer_grad, exact(), rtol=1e-5)  # -38.58432


@pytest.mark.parametrize("name", ["unrolled", "forward", "truncated"])
def test_an_initialisation_as_the_outer_variable(name):
    options = {"backward_steps": 3} if name == "truncated" else {}
    start = lambda w, v: jnp.full_like(v, w)  # noqa: E731
    method = estimator(name, outer, inner, inner_optimizer=optax.sgd(0.1), steps=3, start=start, **options)
    w, v = jnp.array(0.5), jnp.zeros(2)
    found = jax.jit(method.estimate)(w, v, None, None, method.init(w, v))
    np.testing.assert_allclose(found.outer_grad, exact(start=0.5, by="start"), rtol=1e-5)


def test_a_cut_start_and_an_outer_variable_without_effect_are_refused():
    with pytest.raises(ValueError, match="would be cut off"):
        estimator("truncated", outer, inner, inner_optimizer=optax.sgd(0.1), steps=3, start=lambda w, v: w)
    method = estimator("unrolled", outer, inner, inner_optimizer=optax.sgd(0.1), steps=3)
    with pytest.raises(ValueError, match="inner_optimizer=lambda w"):
        method.estimate(jnp.array(0.1), jnp.zeros(2), None, None, method.init(jnp.array(0.1), jnp.zeros(2)))


INJECTED = optax.inject_hyperparams(optax.sgd)


@pytest.mark.parametrize("loop", ["unroll", "scan"])
@pytest.mark.parametrize("name", ["unrolled", "forward", "truncated"])
@pytest.mark.parametrize(
    ("optimizer", "rate"),
    [
        (INJECTED(learning_rate=0.3), jnp.array(0.1)),
        (INJECTED(learning_rate=0.3), {"learning_rate": jnp.array(0.1), "other": jnp.ones(3)}),
        (optax.chain(optax.identity(), INJECTED(learning_rate=0.3)), jnp.array(0.1)),
        (lambda w: INJECTED(learning_rate=w), jnp.array(0.1)),
    ],
    ids=["array", "dictionary", "chain", "function"],
)
def test_a_learning_rate_that_optax_keeps_in_its_state(name, loop, optimizer, rate):
    """The outer variable takes the rate's place, whatever rate the state held; so does a later call with its state."""
    options = {"steps": 3, "loop": loop} | ({"backward_steps": 3} if name == "truncated" else {})
    method = estimator(name, outer, inner, inner_optimizer=optimizer, **options)
    state = method.init(rate, jnp.zeros(2))
    for _ in range(2):
        found = jax.jit(method.estimate)(rate, jnp.zeros(2), None, None, state)
        gradient = found.outer_grad
        if isinstance(gradient, dict):
            np.testing.assert_array_equal(gradient["other"], 0)
            gradient = gradient["learning_rate"]
        np.testing.assert_allclose(gradient, exact(), rtol=1e-5)
        np.testing.assert_allclose(jnp.sum((found.inner_params - 3.0) ** 2), reached(0.1, 0.0), rtol=1e-5)
        state = found.state


def test_an_injected_rate_with_cut_steps_and_an_entry_that_a_loss_reads():
    method = estimator("truncated", outer, inner, inner_optimizer=INJECTED(learning_rate=0.3), steps=3)
    w, v = jnp.array(0.1), jnp.zeros(2)
    found = method.estimate(w, v, None, None, method.init(w, v))
    before = 1 - 0.8**2  # where the last step starts; it goes to v - w * 2 * (v - 1)
    after = before - 0.1 * 2 * (before - 1)
    np.testing.assert_allclose(found.outer_grad, 2 * 2 * (after - 3) * -2 * (before - 1), rtol=1e-5)
    # An entry that the loss reads is a part of the loss and of nothing else.
    weighed = lambda w, v, batch: w["learning_rate"] * inner(w, v, batch)  # noqa: E731
    method = estimator("unrolled", outer, weighed, inner_optimizer=INJECTED(learning_rate=1.0), steps=3)
    w = {"learning_rate": w}
    found = method.estimate(w, v, None, None, method.init(w, v))
    np.testing.assert_allclose(found.outer_grad["learning_rate"], exact(), rtol=1e-5)


def test_injected_numbers_that_the_outer_variable_cannot_stand_for():
    v = jnp.zeros(2)
    for optimizer, w, match in (
        (INJECTED(learning_rate=0.1), jnp.ones(2), "array of shape"),
        (optax.chain(INJECTED(learning_rate=0.1), INJECTED(learning_rate=1.0)), jnp.array(0.1), "2 injected"),
        (INJECTED(learning_rate=optax.constant_schedule(0.1)), jnp.array(0.1), "in neither loss"),
        (INJECTED(learning_rate=0.1), {"rate": jnp.array(0.1)}, "in neither loss"),
    ):
        method = estimator("unrolled", outer, inner, inner_optimizer=optimizer, steps=3)
        with pytest.raises(ValueError, match=match):
            method.estimate(w, v, None, None, method.init(w, v))


@pytest.mark.parametrize("name", ["unrolled", "forward"])
def test_adam_with_a_dead_unit(name):
    """The unit that never moves has derivative 0, where the root in Adam gives NaN; against a float64 difference."""
    x = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    y = x.sum(1)

    def net(v):
        return jax.nn.relu(x @ v["w1"] + v["b1"]) @ v["w2"]

    def weighed(w, v, batch):
        return jnp.mean(jnp.exp(w) * (net(v) - y) ** 2)

    def plain(w, v, batch):
        return jnp.mean((net(v) - y) ** 2)

    v = {"w1": jnp.eye(3), "b1": jnp.array([0.1, 0.2, -100.0]), "w2": jnp.array([1.0, 0.5, 1.0])}
    w = jnp.linspace(-0.2, 0.3, 8)
    method = estimator(name, plain, weighed, inner_optimizer=optax.adam(0.1), steps=2)
    found = jax.jit(method.estimate)(w, v, None, None, method.init(w, v)).outer_grad
    with jax.enable_x64(True):
        v64 = jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), v)

        @jax.jit
        def value(w):
            at, opt = v64, optax.adam(0.1)
            state = opt.init(at)
            for _ in range(2):
                updates, state = opt.update(jax.grad(weighed, 1)(w, at, None), state, at)
                at = optax.apply_updates(at, updates)
            return plain(w, at, None)

        w64 = jnp.asarray(w, jnp.float64)
        e = 1e-5 * jnp.eye(8, dtype=jnp.float64)
        expected = [(value(w64 + row) - value(w64 - row)) / 2e-5 for row in e]
        expected = np.asarray(jnp.stack(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


A = np.diag(np.linspace(0.5, 2.0, 6)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("conjugate_gradient", {"iterations": 5}),
        ("conjugate_gradient", {"iterations": 30, "tolerance": 1e-3}),
        ("neumann", {"iterations": 20, "step_size": 0.3}),
        ("neumann", {"iterations": 60, "step_size": 0.3, "tolerance": 1e-2}),
        ("value_function", {"steps": 20, "step_size": 0.1}),
        ("moreau_envelope", {"steps": 20, "step_size": 0.1}),
        ("penalty", {"steps": 20, "step_size": 0.1}),
        ("unrolled", {"steps": 20, "inner_optimizer": optax.adam(0.1)}),
        ("truncated", {"steps": 20, "inner_optimizer": optax.adam(0.1), "backward_steps": 5}),
    ],
)
def test_a_scan_is_the_same_as_steps_that_are_written_out(name, options):
    def quadratic(w, v, batch):
        return v @ A @ v / 2 - v @ w

    w, v = jnp.linspace(-1.0, 1.0, 6), jnp.linspace(0.3, 1.0, 6)
    found = []
    for loop in ("unroll", "scan"):
        method = estimator(name, lambda w, v, batch: outer(w, v, batch) / 2, quadratic, loop=loop, **options)
        found.append(jax.jit(method.estimate)(w, v, None, None, method.init(w, v)))
    np.testing.assert_allclose(found[0].outer_grad, found[1].outer_grad, rtol=1e-4, atol=1e-5)
    if "iterations" in options:
        assert found[0].aux["iterations"] == found[1].aux["iterations"]
        most = options["iterations"]
        assert found[0].aux["iterations"] < most if "tolerance" in options else found[0].aux["iterations"] <= most
    with pytest.raises(ValueError, match="loop must be one of"):
        estimator(name, outer, quadratic, loop="while", **options)


def test_the_program_of_a_long_loop_is_short():
    """As many operations for 400 steps as for 100."""
    w, v = jnp.ones(6), jnp.zeros(6)
    sizes = []
    for steps in (100, 400):
        quadratic = lambda w, v, batch: v @ A @ v / 2 - v @ w  # noqa: E731
        method = estimator("unrolled", outer, quadratic, inner_optimizer=optax.sgd(0.1), steps=steps)
        sizes.append(len(str(jax.make_jaxpr(method.estimate)(w, v, None, None, method.init(w, v))).splitlines()))
    assert abs(sizes[0] - sizes[1]) < 5
