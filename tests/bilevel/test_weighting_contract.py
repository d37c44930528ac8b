"""What every weighting of the registry has to keep: one result under every transform, and a state of one type."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import WEIGHTINGS

NUM_TASKS, STEPS, SETS = 3, 2, 3
SHAPES = {"a": ((3, 2), jnp.float32), "b": ((6,), jnp.bfloat16)}  # of `compiled`
MANY_OPERATIONS = ("aligned_mtl", "cagrad", "excess_mtl", "fairgrad", "graddrop", "gradvac", "upgrad")
ALL = jnp.ones(NUM_TASKS, bool)


def at(tree, *index):
    return jax.tree.map(lambda leaf: leaf[index], tree)


def types(tree):
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), jax.eval_shape(lambda: tree))


def histories():
    """(task gradients, losses), [SETS, STEPS, K, ...]; each set with another share that all tasks have in common."""
    rng = np.random.default_rng(0)
    common = np.linspace(-0.5, 1.5, SETS)

    def leaf(shape, dtype):
        own = rng.normal(size=(SETS, STEPS, NUM_TASKS, *shape))
        shared = rng.normal(size=(SETS, STEPS, 1, *shape))
        return jnp.asarray(own + np.reshape(common, (-1,) + (1,) * (own.ndim - 1)) * shared, dtype)

    grads = {key: leaf(*kind) for key, kind in SHAPES.items()}
    return grads, jnp.asarray(rng.uniform(0.5, 2, (SETS, STEPS, NUM_TASKS)), jnp.float32)


def close(actual, expected):
    """Equal to float32 rounding, or to that of bfloat16 in the leaf of that type."""
    np.testing.assert_allclose(actual["a"], expected["a"], rtol=1e-4, atol=1e-5)
    rounded = [np.asarray(tree["b"], np.float32) for tree in (actual, expected)]
    np.testing.assert_allclose(*rounded, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_many_problems_at_once(name, compiled):
    """jit = jit of vmap over gradients, losses and states; the state is of one type, and lax.scan can carry it."""
    tx, one, start = compiled(name, NUM_TASKS)
    many = jax.jit(jax.vmap(lambda grads, losses, state: tx.update(grads, state, losses=losses)))
    data, states = histories(), [start] * SETS
    together = jax.tree.map(lambda leaf: jnp.stack([leaf] * SETS), start)
    for step in range(STEPS):
        singly = [one(*at(data, number, step), ALL, state) for number, state in enumerate(states)]
        updates, together = many(*at(data, slice(None), step), together)
        for number, (update, state) in enumerate(singly):
            assert types(state) == types(start)
            assert types(update) == {key: (*kind, False) for key, kind in SHAPES.items()}
            close(at(updates, number), update)
        states = [state for _, state in singly]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), at(together, 1), states[1])

    def step(state, given):
        return tx.update(given[0], state, losses=given[1])[::-1]

    carried, _ = jax.eval_shape(lambda: jax.lax.scan(step, start, at(data, 0)))  # it refuses a type that drifts
    assert types(start) == jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), carried)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name in MANY_OPERATIONS else name for name in sorted(WEIGHTINGS)],
)
def test_without_jit_and_in_float32(name, compiled):
    tx, one, start = compiled(name, NUM_TASKS)
    grads, losses = at(histories(), 0, 0)
    wide = jax.tree.map(jnp.float32, grads)
    update, _ = tx.update(wide, tx.init(at(wide, 0)), losses=losses)
    close(one(grads, losses, ALL, start)[0], update)
