"""The costs of the core's methods: none is left out, and a cost is that of its program."""

import jax.numpy as jnp
import pytest

from bilevel_jax.benchmarks import core_cost, core_networks
from bilevel_jax.benchmarks.torchjd_cost import NAMES
from bilevel_jax.bilevel import ESTIMATORS, WEIGHTINGS


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_every_estimator_can_be_measured(name):
    made = ESTIMATORS[name](None, None, **core_cost.estimator_options(name))
    params = core_networks.parameters(core_networks.NETWORKS["tiny"], 2)
    assert made.init(jnp.zeros(core_cost.GROUPS), params) is not None
    assert (core_cost.expected_cost(name) or 1) > 0.5  # plain gradients; a forward pass and half of the way back


def test_the_costs_that_are_expected():
    """Counted by hand for T = 2 and an outer variable of two coordinates."""
    expected = {"ignore": 2 / 3, "one_step": 2, "neumann": 22 / 3, "unrolled": 19 / 3, "forward": 31 / 3}
    for name, cost in expected.items():
        assert core_cost.expected_cost(name) == pytest.approx(cost)


def test_torchjds_names_are_names_of_weightings():
    assert set(NAMES) <= set(WEIGHTINGS)


def test_memory_and_time_are_those_of_the_program():
    values = jnp.ones((64, 64))
    cost, result = core_cost._cost(lambda x: x @ x, (values,), 2)
    assert cost.output == values.nbytes and cost.seconds > 0 and float(result[0, 0]) == 64
