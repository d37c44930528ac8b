"""What every weighting of the registry has to keep: one result under every transform, and a state of one type."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import WEIGHTINGS, dynamic_aggregate

NUM_TASKS, STEPS, SETS = 3, 2, 3
OPTIONS = {"fixed": {"weights": (0.2, 0.3, 0.5)}, "krum": {"n_byzantine": 0}}  # no default fits three tasks
PARAMS = {"kernel": jnp.zeros((3, 2)), "bias": jnp.zeros(4, jnp.bfloat16)}


def at(tree, *index):
    return jax.tree.map(lambda leaf: leaf[index], tree)


def types(tree):
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), jax.eval_shape(lambda: tree))


def histories():
    """(task gradients, losses), [SETS, STEPS, K, ...]; each set with another share that all tasks have in common."""
    rng = np.random.default_rng(0)
    common = np.linspace(-0.5, 1.5, SETS)

    def leaf(param):
        own = rng.normal(size=(SETS, STEPS, NUM_TASKS, *param.shape))
        shared = rng.normal(size=(SETS, STEPS, 1, *param.shape))
        return jnp.asarray(own + np.reshape(common, (-1,) + (1,) * (own.ndim - 1)) * shared, param.dtype)

    return jax.tree.map(leaf, PARAMS), jnp.asarray(rng.uniform(0.5, 2, (SETS, STEPS, NUM_TASKS)), jnp.float32)


def close(actual, expected):
    """Equal to float32 rounding, or to that of bfloat16 in the leaf of that type."""
    np.testing.assert_allclose(actual["kernel"], expected["kernel"], rtol=1e-4, atol=1e-5)
    bias = [np.asarray(tree["bias"], np.float32) for tree in (actual, expected)]
    np.testing.assert_allclose(*bias, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_one_result_under_every_transform(name):
    """jit, jit of vmap, and no jit on the gradients in float32; and a state that lax.scan can carry."""
    tx = dynamic_aggregate(name, num_tasks=NUM_TASKS, **OPTIONS.get(name, {}))

    def update(given, state):
        return tx.update(given[0], state, PARAMS, losses=given[1])

    def step(state, given):
        return update(given, state)[::-1]

    data, start = histories(), tx.init(PARAMS)
    one, many = jax.jit(update), jax.jit(jax.vmap(update))
    states, together = [start] * SETS, jax.tree.map(lambda leaf: jnp.stack([leaf] * SETS), start)
    for index in range(STEPS):
        singly = [one(at(data, number, index), state) for number, state in enumerate(states)]
        updates, together = many(at(data, slice(None), index), together)
        for number, (single, state) in enumerate(singly):
            assert types(state) == types(start)
            assert types(single) == jax.tree.map(lambda p: (p.shape, p.dtype, False), PARAMS)
            close(at(updates, number), single)
        states = [state for _, state in singly]
        if index == 0:
            wide = jax.tree.map(jnp.float32, (at(data, 0, 0), PARAMS))
            close(singly[0][0], tx.update(wide[0][0], tx.init(wide[1]), losses=wide[0][1])[0])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), at(together, 1), states[1])
    carried = jax.eval_shape(lambda: jax.lax.scan(step, start, at(data, 0)))[0]  # it refuses a type that drifts
    assert types(start) == jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), carried)
