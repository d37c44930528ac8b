"""Part (e) on a network that costs nothing."""

import pytest

from bilevel_jax.benchmarks import core_networks
from bilevel_jax.benchmarks.accelerator import aggregation


def test_the_aggregate_of_gradients():
    upgrad, random = aggregation.rows(network="tiny", tasks=2, weightings=["upgrad", "random"], repeats=1)
    assert upgrad["what"] == "dynamic_aggregate upgrad, K = 2, tiny"
    for row in (upgrad, random):
        details = row["details"]
        share = 100 * row["ms"] / (2 * details["one_gradient_ms"])
        assert f"{share:.1f} % of 2 gradients" in row["result"]
        size = core_networks.size(core_networks.parameters(core_networks.NETWORKS["tiny"], 2))
        assert details["stack_mib"] == pytest.approx(2 * 4 * size / 2**20)
