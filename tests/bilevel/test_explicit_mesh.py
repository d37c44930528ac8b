"""Meshes with Explicit axes, the default of jax.make_mesh: types say how arrays are split, and tracing checks it."""

import jax
import jax.numpy as jnp
import optax
import pytest
from jax.sharding import PartitionSpec

from bilevel_jax.bilevel import WEIGHTINGS, dynamic_aggregate, task_gradients
from bilevel_jax.bilevel.weighting import example_options


def losses(params):
    return tuple(jnp.sum((params["w"] - k) ** 2) for k in range(5))


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_split_parameters_give_split_updates(name, accumulate):
    mesh = jax.make_mesh((1,), ("x",), axis_types=(jax.sharding.AxisType.Explicit,))
    with jax.set_mesh(mesh):
        params = {"w": jax.device_put(jnp.ones((8, 2)), PartitionSpec("x", None))}
        options = example_options(name, 5)
        tx = optax.chain(dynamic_aggregate(name, num_tasks=5, accumulate=accumulate, **options), optax.adam(0.1))
        state = tx.init(params)

        def step(params, state):
            values, grads = task_gradients(losses, params)
            return tx.update(grads, state, params, losses=values)

        updates, after = jax.eval_shape(step, params, state)
        assert updates["w"].shape == (8, 2)
        assert jax.tree.leaves(updates)[0].sharding.spec == PartitionSpec("x", None)
        # The state is split as it was, so that a scan over steps can carry it.
        split = [jax.typeof(leaf).sharding.spec for leaf in jax.tree.leaves(state)]
        assert [leaf.sharding.spec for leaf in jax.tree.leaves(after)] == split
