"""The networks of the core's benchmark."""

import jax
import jax.numpy as jnp
import numpy as np

from bilevel_jax.benchmarks import core_cost, core_networks

TINY = core_networks.NETWORKS["tiny"]


def test_networks_have_the_size_of_their_names():
    def count(name, tasks):
        return core_networks.size(jax.eval_shape(lambda: core_networks.parameters(core_networks.NETWORKS[name], tasks)))

    for tasks in (2, 8):
        assert 0.39e6 < count("0.4M", tasks) < 0.42e6
        assert 29.5e6 < count("30M", tasks) < 31e6


def test_losses_of_the_tasks_and_the_outer_variable():
    params, given = core_networks.parameters(TINY, 3), core_networks.batch(TINY, 3, 1)
    losses = core_networks.losses(params, given, 3)
    only_second = {**given, "targets": given["targets"].at[:, core_networks.HEAD : 2 * core_networks.HEAD].add(1.0)}
    changed = core_networks.losses(params, only_second, 3) != losses
    assert changed.tolist() == [False, True, False]  # a head has its own targets
    gains = jnp.zeros((core_cost.GROUPS,))
    np.testing.assert_allclose(core_networks.bilevel_loss(gains, params, given, 3), jnp.sum(losses), rtol=1e-6)
    assert np.all(np.abs(jax.grad(core_networks.bilevel_loss)(gains, params, given, 3)) > 1e-4)
