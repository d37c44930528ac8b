"""One table over the registry: every weighting on every kind of three gradients, against exact updates in float64.

What the table does not hold stands in the files beside it: absent tasks (test_absent_tasks), vmap and scan
(test_weighting_contract), complex leaves (test_numbers), Explicit axes (test_explicit_mesh).
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact_updates import EXACT

from bilevel_jax.bilevel import WEIGHTINGS, dynamic_aggregate, named_weighting
from bilevel_jax.bilevel.weighting import example_options

# Multiples of 1/16 below 4, so that sums of two, and powers of two times them, are exact in bfloat16 too.
BASE = np.random.default_rng(3).integers(-60, 61, size=(3, 12)) / 16.0
SUM = np.array([[1.0, 0, 0], [0, 1.0, 0], [1.0, 1.0, 0]])
KINDS = {
    "ordinary": BASE,
    "length 1e-30": BASE * 2.0**-100,
    "length 1e30": BASE * 2.0**100,
    "ratio 1e4": BASE * [[1.0], [2.0**-13], [1.0]],
    "ratio 1e8": BASE * [[1.0], [2.0**-27], [2.0**-13]],
    "opposed": BASE * [[1.0], [0.0], [1.0]] + BASE[:1] * [[0.0], [-0.5], [0.0]],
    "parallel": BASE * [[1.0], [0.0], [1.0]] + BASE[:1] * [[0.0], [2.0], [0.0]],
    "one is a sum": SUM @ BASE,
    "one zero": BASE * [[1.0], [0.0], [1.0]],
    "all zero": BASE * 0.0,
    "all equal": BASE[[0, 0, 0]],
}
ALL = jnp.ones(3, bool)


def joined(update):
    return np.concatenate([np.asarray(update[key], np.float64).ravel() for key in ("a", "b")])


@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_the_table(name, compiled):
    _, step, start = compiled(name, 3)
    wrong = {}
    for kind, stack in KINDS.items():
        grads = {"a": jnp.float32(stack[:, :6].reshape(3, 3, 2)), "b": jnp.bfloat16(stack[:, 6:])}
        update, state = step(grads, jnp.ones(3), ALL, start)
        update = joined(update)
        assert np.isfinite(update).all(), kind
        if name in EXACT:
            expected = EXACT[name](stack)
        elif np.any(state.weights):
            expected = np.asarray(state.weights, np.float64) @ stack
        else:
            continue
        longest = np.linalg.norm(stack, axis=1).max()
        error = np.linalg.norm((update - expected)[:6]) / (np.linalg.norm(expected) or longest or 1.0)
        if error > 1e-5:
            wrong[kind] = float(f"{error:.1e}")
        bfloat16 = np.linalg.norm((update - expected)[6:]) / (np.linalg.norm(expected) or longest or 1.0)
        if bfloat16 > 1e-2:
            wrong[kind, "bfloat16"] = float(f"{bfloat16:.1e}")
    assert not wrong


@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_any_number_of_tasks_is_traced_and_the_state_has_buffers_of_its_own(name):
    for num_tasks in (1, 2, 7, 40):
        if num_tasks < WEIGHTINGS[name].traits.least_tasks:
            continue
        tx = dynamic_aggregate(name, num_tasks=num_tasks, **example_options(name, num_tasks))
        params = {"w": jnp.ones(3)}
        state, grads = tx.init(params), {"w": jnp.ones((num_tasks, 3))}
        leaves = [*jax.tree.leaves((state, params))]
        assert len({leaf.unsafe_buffer_pointer() for leaf in leaves}) == len(leaves)  # the state can be donated
        update, after = jax.eval_shape(lambda g, s: tx.update(g, s, losses=jnp.ones(len(g["w"]))), grads, state)
        assert update["w"].shape == (3,)
        assert jax.tree.map(lambda a: (a.shape, a.dtype), after) == jax.tree.map(lambda a: (a.shape, a.dtype), state)


def test_every_weighting_by_the_gramian_is_in_the_table():
    drawn = {"gradvac", "pcgrad"}  # their draws are given in test_weightings
    by_gramian = {n for n in WEIGHTINGS if named_weighting(n, **example_options(n, 5)).needs == "gramian"}
    assert by_gramian <= set(EXACT) | drawn
