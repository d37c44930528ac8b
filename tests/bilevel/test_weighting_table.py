"""One table over the registry: every weighting on every kind of three gradients, against exact updates in float64.

What the table does not hold stands in the files beside it: absent tasks (test_absent_tasks), vmap and scan
(test_weighting_contract), complex leaves (test_numbers), Explicit axes (test_explicit_mesh).
"""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import WEIGHTINGS, dynamic_aggregate, named_weighting
from bilevel_jax.bilevel.weighting import example_options

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "weighting_table.npz")
KINDS = [name.split("/")[0] for name in GOLDEN if name.endswith("/stack")]
EXACT = {name.split("/")[1] for name in GOLDEN} - {"stack"}
ALL = jnp.ones(3, bool)


def joined(update):
    return np.concatenate([np.asarray(update[key], np.float64).ravel() for key in ("a", "b")])


@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_the_table(name, compiled):
    _, step, start = compiled(name, 3)
    wrong = {}
    for kind in KINDS:
        stack = GOLDEN[f"{kind}/stack"]
        grads = {"a": jnp.float32(stack[:, :6].reshape(3, 3, 2)), "b": jnp.bfloat16(stack[:, 6:])}
        update, state = step(grads, jnp.ones(3), ALL, start)
        update = joined(update)
        assert np.isfinite(update).all(), kind
        if name in EXACT:
            expected = GOLDEN[f"{kind}/{name}"]
        elif np.any(state.weights):
            expected = np.asarray(state.weights, np.float64) @ stack
        else:
            continue
        longest, length = np.linalg.norm(stack, axis=1).max(), np.linalg.norm(expected)
        unit = length if length > 1e-12 * longest else longest or 1.0  # below it the exact update is 0
        for leaf, part, tolerance in (("a", slice(6), 1e-5), ("b", slice(6, 12), 1e-2)):
            error = np.linalg.norm((update - expected)[part]) / unit
            if error > tolerance:
                wrong[kind, leaf] = float(f"{error:.1e}")
    assert not wrong


@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_any_number_of_tasks_and_a_state_with_buffers_of_its_own(name):
    def types(tree):
        return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree)

    for num_tasks in (max(1, WEIGHTINGS[name].traits.least_tasks), 40):
        tx = dynamic_aggregate(name, num_tasks=num_tasks, **example_options(name, num_tasks))
        params, grads = {"w": jnp.ones(3)}, {"w": jnp.ones((num_tasks, 3))}
        state, losses = tx.init(params), jnp.ones(num_tasks)
        leaves = jax.tree.leaves((state, params))
        assert len({leaf.unsafe_buffer_pointer() for leaf in leaves}) == len(leaves)  # so it can be donated
        update, after = jax.eval_shape(functools.partial(tx.update, losses=losses), grads, state)
        assert types(update) == types(params) and types(after) == types(state)


def test_every_weighting_by_the_gramian_is_in_the_table():
    drawn = {"gradvac", "pcgrad"}  # their draws are given in test_weightings
    by_gramian = {n for n in WEIGHTINGS if named_weighting(n, **example_options(n, 5)).needs == "gramian"}
    assert by_gramian <= EXACT | drawn
