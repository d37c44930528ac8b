"""benchmark.py metrics: a time for each family, and what it refuses."""

from bilevel_jax.commands.benchmark_metrics import metrics_command
from bilevel_jax.errors import run_command


def test_every_family_has_a_time(capsys):
    assert run_command(metrics_command, ["benchmark.py", "--size=50,64", "--repeats=1"]) == 0
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split("  ")[0] for row in rows] == [
        "nine",
        "paper",
        "vifb, infrared of one channel",
        "vifb, all in colour",
    ]
    assert all(float(text) >= 0 for row in rows for text in row.split()[-3:])


def test_a_bad_size_exits_2(capsys):
    assert run_command(metrics_command, ["benchmark.py", "--size=50"]) == 2
    assert "--size is '50'; expected a height and a width" in capsys.readouterr().err
