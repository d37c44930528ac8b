"""The command that measures the core, on a network that costs nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.benchmarks import core_cost, core_networks
from bilevel_jax.benchmarks.torchjd_cost import NAMES
from bilevel_jax.bilevel import ESTIMATORS, WEIGHTINGS
from bilevel_jax.commands.benchmark_core import core_command
from bilevel_jax.errors import InputError

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


def test_the_tables(tmp_path, capsys):
    chosen, estimators = ("upgrad", "equal", "krum", "excess_mtl"), ("one_step", "empirical_fisher", "unrolled")
    core_command(
        [
            "benchmark.py",
            "--networks=tiny",
            "--tasks=2",
            f"--weightings={','.join(chosen)}",
            f"--estimators={','.join(estimators)}",
            "--repeats=1",
            f"--out={tmp_path / 'core.md'}",
        ]
    )
    text = (tmp_path / "core.md").read_text()
    assert text.split() == capsys.readouterr().out.split()
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("|")}
    assert set(chosen) | set(estimators) <= set(rows)
    assert "more tasks" in rows["krum"]  # which needs four
    cells = [cell.strip() for cell in rows["upgrad"].split("|")]
    assert cells[2] == "gramian" and float(cells[3]) > 0 and float(cells[7]) > 0
    temporary = [float(rows[name].split("|")[6]) for name in ("one_step", "unrolled")]
    assert temporary[1] > temporary[0] > 1  # in units of a plain gradient's


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_every_estimator_can_be_measured(name):
    made = ESTIMATORS[name](None, None, **core_cost.estimator_options(name))
    assert made.init(jnp.zeros(core_cost.GROUPS), core_networks.parameters(TINY, 2)) is not None
    assert core_cost.expected_cost(name) > 0.5  # half a plain gradient: a forward pass and half of the way back


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


@pytest.mark.parametrize(
    ("flag", "message"),
    [("--networks=3M", "'3M'"), ("--tasks=two", "1 to 16"), ("--weightings=upgrade", "'upgrade'")],
)
def test_mistakes_are_named(flag, message):
    with pytest.raises(InputError, match=message):
        core_command(["benchmark.py", flag])
