"""The costs of the core's methods: none is left out, and a cost is that of its program."""

import jax.numpy as jnp

from bilevel_jax.benchmarks import core_cost
from bilevel_jax.benchmarks.torchjd_cost import NAMES
from bilevel_jax.bilevel import ESTIMATORS, WEIGHTINGS


def test_every_method_can_be_measured():
    assert set(core_cost.ESTIMATOR_OPTIONS) == set(ESTIMATORS)
    assert set(NAMES) <= set(WEIGHTINGS)


def test_memory_and_time_are_those_of_the_program():
    values = jnp.ones((64, 64))
    cost, result = core_cost._cost(lambda x: x @ x, (values,), 2)
    assert cost.output == values.nbytes and cost.seconds > 0 and float(result[0, 0]) == 64
