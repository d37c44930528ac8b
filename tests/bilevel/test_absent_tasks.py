"""With 3 or 4 tasks, nothing of an absent task reaches an update: neither a NaN nor any other number."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import WEIGHTINGS, dynamic_aggregate, next_weights, weights_known
from bilevel_jax.bilevel.trees import weighted_sum
from bilevel_jax.bilevel.weighting import example_options

FILLS = (np.nan, np.inf, -1e30)  # what stands in the gradient and in the loss of an absent task
MASKS = {k: [mask for mask in itertools.product([True, False], repeat=k) if not all(mask)] for k in (3, 4)}
CASES = [(name, 3) for name in sorted(WEIGHTINGS)] + [
    pytest.param(name, 4, marks=pytest.mark.slow) for name in sorted(WEIGHTINGS)
]
KNOWN = [name for name in sorted(WEIGHTINGS) if weights_known(name, **example_options(name, 3))]


def step_of(seed, mask, fill):
    """(gradients, losses) of a step in which `fill` stands in what belongs to absent tasks."""
    rng = np.random.default_rng(seed)
    present = np.array(mask)
    of_all = {"a": rng.normal(size=(len(mask), 3, 2)), "b": rng.normal(size=(len(mask), 6))}
    grads = {key: np.where(present.reshape(-1, *[1] * (g.ndim - 1)), g, fill) for key, g in of_all.items()}
    losses = np.where(present, rng.uniform(0.5, 2.0, len(mask)), fill)
    return {"a": jnp.float32(grads["a"]), "b": jnp.bfloat16(grads["b"])}, jnp.float32(losses)


def updates_of(compiled, name, num_tasks, fill):
    """All updates and states of a run that goes through every mask, twice."""
    _, update, state = compiled(name, num_tasks)
    for seed, mask in enumerate(MASKS[num_tasks] * 2):
        grads, losses = step_of(seed, mask, fill)
        result, state = update(grads, losses, jnp.array(mask), state)
        yield mask, jax.device_get((result, state))


@pytest.mark.parametrize(("name", "num_tasks"), CASES)
def test_nothing_of_an_absent_task_reaches_the_update(name, num_tasks, compiled):
    try:
        runs = [list(updates_of(compiled, name, num_tasks, fill)) for fill in FILLS]
    except ValueError as error:
        assert "needs at least" in str(error)
        return
    for steps in zip(*runs, strict=True):
        mask, (update, state) = steps[0]
        absent = ~np.array(mask)
        for leaf in jax.tree.leaves((update, state)):
            assert np.all(np.isfinite(np.asarray(leaf, np.float32))), (mask, update, state)
        assert np.all(state.weights[absent] == 0), mask
        for _, other in steps[1:]:
            jax.tree.map(np.testing.assert_array_equal, (update, state), other)
        if not any(mask):
            assert all(np.all(leaf == 0) for leaf in jax.tree.leaves(update))


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("num_tasks", [3, pytest.param(4, marks=pytest.mark.slow)])
def test_weights_that_are_known_beforehand_leave_absent_tasks_out(name, num_tasks, compiled):
    tx, update, state = compiled(name, num_tasks)
    for seed, mask in enumerate(MASKS[num_tasks]):
        weights = np.asarray(next_weights(state, present=jnp.array(mask)))
        assert np.all(weights[~np.array(mask)] == 0) and np.all(np.isfinite(weights))
        if any(mask):
            assert weights.sum() == pytest.approx(float(jnp.sum(next_weights(state))), rel=1e-5)
        grads, losses = step_of(seed, mask, 0.0)
        combined = weighted_sum(jnp.asarray(weights), grads)
        _, losses = step_of(seed, mask, np.nan)
        early, after = jax.device_get(
            tx.update(combined, state, losses=losses, weights=weights, present=jnp.array(mask))
        )
        late, state = update(grads, losses, jnp.array(mask), state)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(np.float32(a), np.float32(b), rtol=1e-2), early, late)
        np.testing.assert_allclose(after.next_weights, state.next_weights, rtol=1e-5)


@pytest.mark.parametrize("name", ["random", "upgrad", "graddrop"])
def test_absent_in_some_of_the_gathered_steps(name):
    tx = dynamic_aggregate(name, num_tasks=3, accumulate=2)
    step, results = jax.jit(tx.update), []
    for fill in FILLS:
        state = tx.init({"a": jnp.zeros((3, 2)), "b": jnp.zeros(6, jnp.bfloat16)})
        for seed, mask in enumerate([(True, False, True), (True, True, False)]):
            grads, losses = step_of(seed, mask, fill)
            result, state = step(grads, state, losses=losses, present=jnp.array(mask))
        results.append(jax.device_get((result, state)))
    for result in results:
        jax.tree.map(np.testing.assert_array_equal, result, results[0])
    assert all(np.all(np.isfinite(np.asarray(leaf, np.float32))) for leaf in jax.tree.leaves(results[0]))
    assert any(np.any(leaf != 0) for leaf in jax.tree.leaves(results[0][0]))
