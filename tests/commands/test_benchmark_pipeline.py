"""benchmark.py pipeline: a row for each way to read, and what it refuses."""

import numpy as np
import pytest

from bilevel_jax.benchmarks.pipeline_cost import RECIPES
from bilevel_jax.commands.benchmark_pipeline import pipeline_command
from bilevel_jax.errors import run_command
from bilevel_jax.images.files import write_image


@pytest.fixture
def folder(tmp_path):
    for i in range(3):
        write_image(tmp_path / "ir" / f"{i}.png", np.full((48, 64, 1), 40 * i, np.uint8))
        write_image(tmp_path / "vi" / f"{i}.png", np.full((48, 64, 3), 40 * i, np.uint8))
    return tmp_path


def run(capsys, *arguments):
    code = run_command(pipeline_command, ["benchmark.py", *map(str, arguments)])
    return code, capsys.readouterr()


def test_every_way_to_read_has_a_rate(capsys, folder):
    code, printed = run(capsys, f"--data={folder}", "--crop=60,60", "--batch_size=2", "--seconds=0.1")
    assert code == 0, printed.err
    lines = printed.out.splitlines()[2:]
    assert {line.split("  ")[0] for line in lines} == {"in memory", "decoded anew"}
    for recipe in RECIPES:
        assert any(f"  {recipe}; enlarged 1.25 times at least  " in line for line in lines)
    rates = [float(line.split()[-1]) for line in lines]
    assert len(rates) >= 10 and min(rates) > 0
    assert any(line.split()[-2] != "0" for line in lines)  # worker processes


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["--crop=256"], "--crop is '256'"), (["--crop=0,5"], "--crop is '0,5'"), (["--list=no.txt"], "no.txt")],
)
def test_bad_usage_exits_2(capsys, folder, arguments, sentence):
    code, printed = run(capsys, f"--data={folder}", *arguments)
    assert code == 2 and sentence in printed.err
