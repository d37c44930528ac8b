"""benchmark.py chooses what is measured by its first argument."""

import pytest

from bilevel_jax.commands.benchmark import SUBCOMMANDS, benchmark_command
from bilevel_jax.errors import run_command


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_each_measurement_has_a_help_of_its_own(name, capsys):
    assert run_command(benchmark_command, ["benchmark.py", name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"python experiments/benchmark.py {name} ")


def test_without_a_name_a_configuration_is_measured(capsys):
    assert run_command(benchmark_command, ["benchmark.py", "--help"]) == 0
    assert "--config:" in capsys.readouterr().out
    assert run_command(benchmark_command, ["benchmark.py"]) == 2
    assert "--config is missing" in capsys.readouterr().err


def test_an_unknown_name_is_refused(capsys):
    assert run_command(benchmark_command, ["benchmark.py", "cor"]) == 2
    assert "The command is 'cor'; expected one of core, pipeline" in capsys.readouterr().err
