"""What train.py says of the files before its first step: notes on the boxes, and pairs smaller than the crop."""

from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.commands import train as module
from bilevel_jax.data.builders import builder_class
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.errors import StopSignal, run_command
from bilevel_jax.images.files import write_image

SMOKE = Path(__file__).parents[2] / "experiments" / "configs" / "smoke.py"


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "pairs"
    builder_class("folder").write_miniature(root, SceneSource(10, seed=4, height=48, width=64))
    return root


def start(folder, run, monkeypatch, *options):
    """Starts train.py, which stops where training would begin; returns the exit code."""

    def stopped(*_):
        raise StopSignal("training begins")

    monkeypatch.setattr(module, "train", stopped)
    line = ["train.py", f"--config={SMOKE}", f"--workdir={run}", "--config.data.name=folder", "--config.data.block=1"]
    return run_command(module.train_command, [*line, f"--config.data.root={folder}", *options])


def test_equal_notes_are_one_line_and_many_are_counted(folder, tmp_path, monkeypatch, capsys):
    assert start(folder, tmp_path / "run", monkeypatch) == 75
    assert "note:" not in capsys.readouterr().err
    for path in (folder / "boxes").iterdir():
        path.write_text("0 0.0625 0.5 0.25 0.5\n0.0 0.5 0.5 0.25 0.5 0.9\n")
    assert start(folder, tmp_path / "run", monkeypatch) == 75
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert len(notes) == 2 and all(note.startswith("note: of 10 files (") for note in notes)
    assert "a sixth number in 1 line(s)" in notes[0] and "1 box(es) over the border, by up to 4.0" in notes[1]
    for number, path in enumerate(sorted((folder / "boxes").iterdir())):
        path.write_text("0 0.5 0.5 0.25 0.5 0.9\n" * (number + 1) + f"0 {0.06 - number / 500} 0.5 0.25 0.5\n")
    assert start(folder, tmp_path / "run", monkeypatch) == 75
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert len(notes) == 11 and notes[-1] == "note: 10 more like these"


def test_a_pair_smaller_than_the_crop_is_named_before_training(folder, tmp_path, monkeypatch, capsys):
    for part, shape in (("ir", (40, 64)), ("vi", (40, 64, 3)), ("labels", (40, 64))):
        write_image(folder / part / "00002D.png", np.zeros(shape, np.uint8))
    assert start(folder, tmp_path / "run", monkeypatch) == 2
    error = capsys.readouterr().err
    assert f"{folder / 'ir' / '00002D.png'} is 64 x 40 pixels; expected at least the crop of 48 x 48" in error
    assert not (tmp_path / "run").exists()
    assert start(folder, tmp_path / "run", monkeypatch, "--config.data.crop=(40,40)") == 75
