"""benchmark.py accelerator from the outside."""

import json
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from bilevel_jax.benchmarks.accelerator.plan import Part, parts
from bilevel_jax.commands import benchmark_accelerator as command
from bilevel_jax.errors import run_command

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
MODULES = "bilevel_jax.benchmarks.accelerator"


def run(*arguments):
    return run_command(command.accelerator_command, [str(EXPERIMENTS / "benchmark.py"), *arguments])


def test_the_device_in_json_markdown_and_print(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "parts", lambda experiments, small: [Part("device", f"{MODULES}.device", {})])
    assert run(f"--out={tmp_path}", "--minutes=2") == 0
    text, printed = (tmp_path / "accelerator.md").read_text(), capsys.readouterr().out
    assert text in printed and "1 of 1 parts done." in printed and "1 x cpu (cpu)" in text
    written = json.loads((tmp_path / "accelerator.json").read_text())
    assert written["device"]["platform"] == "cpu" and written["device"]["jax"] == jax.__version__


def test_a_part_that_fails_ends_in_exit_code_1_and_the_others_have_run(tmp_path, monkeypatch, capsys):
    plan = [Part("one", "nowhere", {}), Part("two", "nowhere", {})]
    monkeypatch.setattr(command, "parts", lambda experiments, small: plan)
    assert run(f"--out={tmp_path}", "--minutes=1") == 1
    assert capsys.readouterr().out.count("failed: ModuleNotFoundError: No module named 'nowhere'") == 2


@pytest.mark.parametrize(("arguments", "message"), [([], "--out is missing"), (["--out=x", "--minutes=soon"], "soon")])
def test_mistakes_are_named(arguments, message, capsys):
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_the_whole_small_check(tmp_path):
    line = [sys.executable, str(EXPERIMENTS / "benchmark.py"), "accelerator", f"--out={tmp_path}", "--small"]
    done = subprocess.run([*line, "--minutes=30"], capture_output=True, text=True)
    written = json.loads((tmp_path / "accelerator.json").read_text())["parts"]
    assert [result["part"] for result in written] == [part.name for part in parts(EXPERIMENTS, small=True)]
    assert [result.get("error") for result in written] == [None] * len(written)
    assert done.returncode == 0, done.stderr
    rows = [row for result in written for row in result["rows"]]
    assert sum(row.get("passed", False) for row in rows) == 4  # three of (a), and (f)
    assert sum(row["what"] in ("inner step", "outer step") for row in rows) == 14
