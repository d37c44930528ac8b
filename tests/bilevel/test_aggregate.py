"""dynamic_aggregate: its contract, whatever the weighting."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bilevel_jax.bilevel import (
    Weighting,
    combine,
    dynamic_aggregate,
    find_state,
    gramian,
    named_weighting,
    next_weights,
)
from bilevel_jax.bilevel.weighting import cagrad

PARAMS = {"a": jnp.zeros((3, 2)), "b": jnp.zeros(4, jnp.bfloat16)}


def task_grads(num_tasks, seed=0):
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda p: jnp.asarray(rng.normal(size=(num_tasks, *p.shape)), p.dtype), PARAMS)


def test_random_weights_are_softmax_of_normals():
    tx = dynamic_aggregate("random", num_tasks=3, seed=5)
    state = tx.init(PARAMS)
    update = jax.jit(lambda state: tx.update(task_grads(3), state)[1])
    draws = []
    for _ in range(400):
        draws.append(next_weights(state))
        state = update(state)
        np.testing.assert_array_equal(state.weights, draws[-1])
    draws = np.stack(draws)
    np.testing.assert_allclose(draws.sum(1), 1, rtol=1e-6)
    # log-ratios of a softmax of normals are N(0, 2), independently at each update
    ratios = np.log(draws[:, 0] / draws[:, 1])
    assert abs(ratios.mean()) < 0.25 and abs(ratios.std() - 2**0.5) < 0.2
    assert abs(np.corrcoef(ratios[1:], ratios[:-1])[0, 1]) < 0.15
    other = dynamic_aggregate("random", num_tasks=3, seed=6).init(PARAMS)
    assert not np.allclose(next_weights(other), draws[0])


@pytest.mark.parametrize("name", ["equal", "random"])
def test_in_a_chain(name):
    tx = optax.chain(dynamic_aggregate(name, seed=1), optax.sgd(0.5, momentum=0.9))
    state = tx.init(PARAMS)
    grads = task_grads(2)
    for _ in range(3):
        weights = next_weights(state)
        before = state
        updates, state = jax.jit(tx.update)(grads, state, PARAMS, losses=jnp.ones(2), unknown=jnp.ones(5))
        assert jax.tree.map(lambda x: (x.shape, x.dtype), state) == jax.tree.map(lambda x: (x.shape, x.dtype), before)
        combined = combine(weights, grads)
        expected, _ = tx.update(combined, before, PARAMS, weights=weights)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-2, atol=1e-6), updates, expected)
        np.testing.assert_array_equal(find_state(state).weights, weights)
    assert find_state(state).count == 3


def test_absent_tasks():
    tx = dynamic_aggregate("random", num_tasks=3)
    state = tx.init(PARAMS)
    grads = jax.tree.map(lambda g: g.at[1].set(jnp.nan), task_grads(3))
    present = jnp.array([True, False, True])
    weights = next_weights(state, present=present)
    assert weights[1] == 0
    np.testing.assert_allclose(weights.sum(), 1, rtol=1e-6)
    full = next_weights(state)
    np.testing.assert_allclose(weights[0] / weights[2], full[0] / full[2], rtol=1e-5)
    updates, after = tx.update(grads, state, present=present)
    expected = jax.tree.map(lambda g: weights[0] * g[0] + weights[2] * g[2], grads)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-2, atol=1e-6), updates, expected)
    np.testing.assert_array_equal(after.weights, weights)
    updates, _ = tx.update(grads, state, present=jnp.zeros(3, bool))
    assert all(np.all(leaf == 0) for leaf in jax.tree.leaves(updates))


def test_the_state_can_be_donated():
    tx = dynamic_aggregate("equal")
    step = jax.jit(lambda grads, state: tx.update(grads, state), donate_argnums=1)
    _, state = step(task_grads(2), tx.init(PARAMS))
    assert state.count == 1


def test_a_weighting_of_ones_own():
    def weigh(matrix, state):
        return jnp.diagonal(matrix), state + 1

    own = Weighting("gramian", lambda num_tasks, key: jnp.zeros(()), weigh)
    tx = dynamic_aggregate(own, num_tasks=2)
    grads = task_grads(2)
    _, state = tx.update(grads, tx.init(PARAMS))
    flat = np.concatenate([np.reshape(g.astype(float), (2, -1)) for g in jax.tree.leaves(grads)], axis=1)
    np.testing.assert_allclose(state.weights, (flat**2).sum(1), rtol=1e-5)
    np.testing.assert_allclose(gramian(grads), flat @ flat.T, rtol=1e-5, atol=1e-5)
    assert state.weighting == 1
    with pytest.raises(ValueError, match="cannot be given beforehand"):
        tx.update(PARAMS, state, weights=jnp.ones(2))


def test_losses_of_the_past_weigh_the_next_update():
    own = Weighting("losses", lambda num_tasks, key: (), lambda losses, state: (losses / jnp.sum(losses), state))
    tx = dynamic_aggregate(own, num_tasks=2)
    state = tx.init(PARAMS)
    np.testing.assert_array_equal(next_weights(state, jnp.array([9.0, 1.0])), [0.5, 0.5])
    _, state = tx.update(task_grads(2), state, losses=jnp.array([3.0, 1.0]))
    np.testing.assert_array_equal(next_weights(state), [0.75, 0.25])
    with pytest.raises(ValueError, match="needs losses"):
        tx.update(task_grads(2), state)


def test_gramian_accumulates_bfloat16_in_float32():
    ones = {"w": jnp.ones((2, 4096), jnp.bfloat16)}
    assert np.all(gramian(ones) == 4096) and gramian(ones).dtype == jnp.float32


def test_what_a_wrong_use_is_told():
    with pytest.raises(ValueError, match="did you mean 'random'"):
        dynamic_aggregate("randon")
    with pytest.raises(ValueError, match="at least 1"):
        dynamic_aggregate("equal", num_tasks=0)
    with pytest.raises(ValueError, match=r"\['a'\] has shape \(2, 3, 2\): expected a leading task axis of 3"):
        dynamic_aggregate("equal", num_tasks=3).update(task_grads(2), dynamic_aggregate("equal", num_tasks=3).init(0))
    with pytest.raises(ValueError, match="found 0"):
        next_weights(optax.sgd(1.0).init(PARAMS))
    with pytest.raises(ValueError, match="belong to a weighting given by name"):
        named_weighting(named_weighting("equal"), c=1)


@pytest.mark.parametrize("present", [None, [True, False, True]])
def test_an_update_outside_jit_is_compiled_once(present):
    """A rule of the registry is traced at the first call alone; your own is called, and may use numpy."""
    seen = []

    def weigh(gramian, state):
        seen.append(isinstance(gramian, jax.core.Tracer))
        return jnp.ones(len(gramian)), state

    grads = {"w": jnp.ones((3, 2))}
    for jittable in (True, False):
        tx = dynamic_aggregate(Weighting("gramian", lambda k, key: (), weigh, jittable=jittable), num_tasks=3)
        state = tx.init({"w": jnp.zeros(2)})
        counts = []
        for _ in range(3):
            seen.clear()
            _, state = tx.update(grads, state, present=present)
            counts.append(len(seen))
        assert (counts[1:] == [0, 0]) == jittable
    assert present or not any(seen)
    assert named_weighting("mgda").jittable and cagrad(c=0.4).jittable
