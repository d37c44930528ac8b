"""Part (a): what counts as a difference, and that the calculations are sensitive to one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.benchmarks import core_networks
from bilevel_jax.benchmarks.accelerator import agreement
from bilevel_jax.benchmarks.accelerator.agreement import agreement_row, relative_difference

TREE = {"kernel": np.array([3.0, 4.0], np.float32), "bias": np.array([0.0], np.float32), "count": np.array(7)}


def test_the_difference_is_relative_to_the_whole_tree():
    other = {**TREE, "bias": np.array([5e-3], np.float32), "count": np.array(9)}
    assert relative_difference(TREE, other) == pytest.approx(1e-3)
    assert relative_difference(TREE, TREE) == 0.0
    assert np.isnan(relative_difference(TREE, {**TREE, "bias": np.array([np.nan])}))
    assert relative_difference({"zero": np.zeros(2)}, {"zero": np.array([0.0, 0.5])}) == 0.5


def test_a_row_passes_up_to_the_tolerance_and_names_the_worst():
    near = {**TREE, "bias": np.array([4e-4], np.float32)}  # 8e-5 of 5
    far = {**TREE, "bias": np.array([6e-4], np.float32)}
    row = agreement_row("core", {"a": TREE, "b": TREE}, {"a": TREE, "b": near})
    assert row["passed"] and row["result"].startswith("pass: 8.0e-05 in b") and "against the CPU" in row["result"]
    row = agreement_row("core", {"a": TREE, "b": TREE}, {"a": far, "b": near}, alone=True)
    assert row["passed"] is False and row["result"].startswith("FAIL: 1.2e-04 in a") and "itself" in row["result"]
    row = agreement_row("core", {"a": TREE, "b": TREE}, {"a": far, "b": {**TREE, "bias": np.array([np.nan])}})
    assert row["passed"] is False and "nan in b" in row["result"]


def test_the_core_sees_what_tf32_would_do():
    network = core_networks.Network(*[8, 16, 2, 32])
    params = core_networks.parameters(network, agreement.TASKS)
    batches = [core_networks.batch(network, agreement.TASKS, seed) for seed in (1, 2)]
    core = jax.jit(agreement._core)
    exact = jax.device_get(core(jnp.array([-0.1, 0.1]), params, *batches))
    weights = exact["upgrad's weights"]
    assert weights.max() - weights.min() > 0.1  # the tasks conflict, so the quadratic programs are solved
    # TF32 keeps 10 bits of the mantissa.
    cut = lambda leaf: (leaf.view(jnp.int32) & ~((1 << 13) - 1)).view(jnp.float32)
    rounded = jax.device_get(core(jnp.array([-0.1, 0.1]), jax.tree.map(cut, params), *jax.tree.map(cut, batches)))
    row = agreement_row("core", exact, rounded)
    assert row["passed"] is False and all(1e-5 < value < 0.2 for value in row["details"].values())
