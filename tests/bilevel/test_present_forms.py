"""What `present` may be given as, and the history that `dwa` keeps of a task that is away."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import dynamic_aggregate, next_weights

GRADIENTS = {"w": jnp.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])}
FORMS = [
    [True, False, True],
    (True, False, True),
    np.array([True, False, True]),
    jnp.array([1, 0, 1]),
    [1.0, 0.0, 1.0],
    np.array([12, 0, 5], np.int64),
    [jnp.sum(jnp.ones(4)), 0, 1],
]


@pytest.mark.parametrize("name", ["mgda", "equal"])
def test_each_form_says_the_same(name):
    tx = dynamic_aggregate(name, num_tasks=3)
    state = tx.init({"w": jnp.zeros(2)})
    expected = tx.update(GRADIENTS, state, present=jnp.array([True, False, True]))[0]["w"]
    for form in FORMS:
        np.testing.assert_array_equal(tx.update(GRADIENTS, state, present=form)[0]["w"], expected)
        assert next_weights(state, present=form)[1] == 0
    counts = jax.jit(lambda counts: tx.update(GRADIENTS, state, present=counts)[0]["w"])
    np.testing.assert_allclose(counts(jnp.array([12, 0, 5])), expected, rtol=1e-6)


@pytest.mark.parametrize("present", [[True, False], True, jnp.ones((3, 1))])
def test_another_number_of_values_is_named(present):
    tx = dynamic_aggregate("mgda", num_tasks=3)
    state = tx.init({"w": jnp.zeros(2)})
    with pytest.raises(ValueError, match=r"present has shape .*: expected \(3,\), one value for each task"):
        tx.update(GRADIENTS, state, present=present)
    with pytest.raises(ValueError, match=r"expected \(3,\)"):
        next_weights(state, present=present)


def weights_of(window, losses, away):
    """The weights of `dwa` after each step; in the steps of `away` the second task is absent and its loss a NaN."""
    tx = dynamic_aggregate("dwa", window=window)
    state, found = tx.init({"w": jnp.zeros(2)}), []
    step = jax.jit(
        lambda state, losses, present: tx.update({"w": jnp.ones((2, 2))}, state, losses=losses, present=present)[1]
    )
    for number, (one, other) in enumerate(losses):
        here = number not in away
        state = step(state, jnp.array([one, other if here else np.nan]), jnp.array([True, here]))
        found.append(np.asarray(next_weights(state)))
    return np.array(found)


@pytest.mark.parametrize(
    ("window", "away"), [(1, {3}), (1, {0, 1}), (4, {0, 1}), (4, {2, 5, 6}), (4, {4, 5, 6, 7}), (3, set(range(9)))]
)
def test_constant_losses_have_equal_weights_whoever_is_away(window, away):
    np.testing.assert_allclose(weights_of(window, [(3.0, 0.5)] * 24, away), 0.5, rtol=1e-6)


def test_a_task_that_comes_back_is_compared_with_when_it_was_last_there():
    softmax = lambda ratios: np.exp(np.array(ratios) / 2) / np.exp(np.array(ratios) / 2).sum()
    found = weights_of(1, [(1, 4), (1, 2), (1, 9), (1, 9), (1, 1)], {2, 3})
    np.testing.assert_allclose(found[1:4], [softmax([1, 0.5])] * 3, rtol=1e-6)
    np.testing.assert_allclose(found[4], softmax([1, 0.5]), rtol=1e-6)  # 1 after 2
    # Windows of two steps: the second task has 4 and 4, then 1 and nothing, then nothing, then 3 alone.
    found = weights_of(2, [(1, 4), (1, 4), (1, 1), (1, 9), (1, 9), (1, 9), (1, 9), (1, 3)], {3, 4, 5, 6})
    np.testing.assert_allclose(found[3::2], [softmax([1, 0.25])] * 2 + [softmax([1, 3])], rtol=1e-6)


@pytest.mark.parametrize("present", [{"a": True, "b": False}, ["yes", "no"]])
def test_what_is_no_number_is_named(present):
    tx, params = dynamic_aggregate("mgda"), {"w": jnp.zeros(2)}
    with pytest.raises(ValueError, match="present= is .*expected 2 bools or numbers"):
        tx.update({"w": jnp.eye(2)}, tx.init(params), present=present)


def test_gradients_of_whole_numbers_are_refused():
    tx, params = dynamic_aggregate("mgda"), {"w": jnp.zeros(2)}
    with pytest.raises(ValueError, match="cut to whole numbers"):
        tx.update({"w": jnp.eye(2, dtype=int)}, tx.init(params))
