"""train.py on a folder without lists: it says once what it holds out, and the run keeps to it."""

import json
from pathlib import Path

import pytest

from bilevel_jax.commands import train as module
from bilevel_jax.data.builders import builder_class
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.errors import StopSignal, run_command

SMOKE = Path(__file__).parents[2] / "experiments" / "configs" / "smoke.py"


@pytest.fixture
def folder(tmp_path):
    """Ten labelled pairs without lists."""
    root = tmp_path / "pairs"
    builder_class("folder").write_miniature(root, SceneSource(12, seed=4, height=48, width=64))
    for name in ("train.txt", "val.txt"):
        (root / name).unlink()
    return root


def add_pair(root):
    for part in ("ir", "vi", "labels"):
        first = sorted((root / part).iterdir())[0]
        (root / part / f"00000A{first.suffix}").write_bytes(first.read_bytes())


def test_the_sentence_comes_once_and_a_second_start_reads_the_same_pairs(folder, tmp_path, monkeypatch, capsys):
    trained = []

    def stopped(config, sets, *_):
        trained.append([list(source.names) for source in (sets.train, sets.validation, sets.test)])
        raise StopSignal("stopped")

    monkeypatch.setattr(module, "train", stopped)
    run = tmp_path / "run"
    line = ["train.py", f"--config={SMOKE}", f"--workdir={run}", "--config.data.name=folder"]
    line += [f"--config.data.root={folder}", "--config.data.block=1"]
    assert run_command(module.train_command, line) == 75
    printed = capsys.readouterr().out
    assert printed.count("has no train.txt: 2 pairs (val) and") == 1 and f"{run} keeps the lists train.txt" in printed
    kept = {path.name: path.read_text().split() for path in run.glob("*.txt")}
    assert [kept[f"{split}.txt"] for split in ("train", "val", "test")] == trained[0]
    add_pair(folder)
    assert run_command(module.train_command, line) == 75
    assert "has no train.txt" not in capsys.readouterr().out and trained[1] == trained[0]
    assert {path.name: path.read_text().split() for path in run.glob("*.txt")} == kept


def test_a_run_that_never_begins_keeps_nothing(folder, tmp_path, capsys):
    (sorted((folder / "vi").iterdir())[-1]).write_bytes(b"broken")
    line = ["train.py", f"--config={SMOKE}", f"--workdir={tmp_path / 'run'}", "--config.data.name=folder"]
    assert run_command(module.train_command, [*line, f"--config.data.root={folder}", "--config.data.block=1"]) == 2
    assert "cannot be read as an image" in capsys.readouterr().err and not (tmp_path / "run").exists()


@pytest.mark.slow
def test_training_and_evaluation_from_the_outside(command, folder, tmp_path):
    run, data = tmp_path / "run", ("--config.data.name=folder", f"--config.data.root={folder}")
    options = (f"--config={SMOKE}", f"--workdir={run}", *data, "--config.rows.steps=0", "--config.data.block=1")
    done = command("train", *options)
    assert done.returncode == 0, done.stderr
    add_pair(folder)
    again = command("train", *options)
    assert again.returncode == 0 and "resumed from step 12" in again.stdout, again.stderr
    test = (run / "test.txt").read_text().split()
    done = command("evaluate", f"--workdir={run}")
    assert done.returncode == 0, done.stderr
    assert json.loads((run / "evaluation" / "held_out_test.json").read_text())["pairs"] == len(test)
