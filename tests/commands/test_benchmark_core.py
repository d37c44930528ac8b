"""The command that measures the core, on a network that costs nothing."""

import pytest

from bilevel_jax.commands.benchmark_core import core_command
from bilevel_jax.errors import InputError


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


@pytest.mark.parametrize(
    ("flag", "message"),
    [("--networks=3M", "'3M'"), ("--tasks=two", "1 to 16"), ("--weightings=upgrade", "'upgrade'")],
)
def test_mistakes_are_named(flag, message):
    with pytest.raises(InputError, match=message):
        core_command(["benchmark.py", flag])
