"""Weights are chosen on val and tables are about test: a run whose val and test differ as black and white."""

import json

import numpy as np
import pytest

from bilevel_jax.commands.evaluate import evaluate_command
from bilevel_jax.commands.train import train_command
from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import run_command
from bilevel_jax.evaluation.image_measures import mean_measures, measure_images
from bilevel_jax.evaluation.inputs import InputSource
from bilevel_jax.images.files import write_image
from bilevel_jax.inference import Fuser
from bilevel_jax.training import loop
from bilevel_jax.training.config import default_config

CONFIG = """
from bilevel_jax.training.config import default_config


def get_config():
    config = default_config()
    config.data.name, config.data.root, config.data.crop = "folder", {root!r}, (32, 32)
    config.data.block = config.data.batch_size = 1
    config.data.prefetch, config.data.threads = 1, 0
    config.semantic.task, config.visual.loss = "none", "none"
    config.visual.adversarial = config.semantic.adversarial = 0.0
    config.warm_start.steps, config.steps, config.rows.steps, config.sheet_every = 3, 0, 0, 0
    config.keep_best, config.validate_every = "SD", 1
    return config
"""


def keys_from_before(path):
    """Makes a run's configuration one that was written before there was a test."""
    config = json.loads(path.read_text())
    for key in ("test_share", "test_list", "test_split", "num_test"):
        del config["data"][key]
    path.write_text(json.dumps(config))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(configuration file, run's folder, what train.py printed): pairs to learn from and val faint, test glaring."""
    root, rng = tmp_path_factory.mktemp("pairs"), np.random.default_rng(0)
    lists = {"train": "abcde", "val": "fgh", "test": "ij"}
    for split, names in lists.items():
        (root / f"{split}.txt").write_text("\n".join(names))
        for name in names:
            for camera in ("ir", "vi"):
                top = 255 if split == "test" else 40
                write_image(root / camera / f"{name}.png", rng.integers(0, top, (48, 48, 1), dtype=np.uint8))
    file, workdir = root / "config.py", root / "run"
    file.write_text(CONFIG.format(root=str(root)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "plot_curves", lambda *_: None)
        assert train(file, workdir) == 0
    return file, workdir


def train(file, workdir, *more):
    return run_command(train_command, ["train.py", f"--config={file}", f"--workdir={workdir}", *more])


def evaluate(workdir, *more):
    return run_command(evaluate_command, ["evaluate.py", f"--workdir={workdir}", *more])


def deviation(workdir, source):
    return mean_measures(measure_images(source, InputSource(source, "fused", Fuser.from_workdir(workdir))))["SD"]


def sets_of(file):
    config = default_config().data
    config.name, config.root, config.block = "folder", str(file.parent), 1
    return open_sets(config, 0)


def test_the_best_is_chosen_on_val_and_the_table_is_of_test(trained):
    file, workdir = trained
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    best = max(line["validation/SD"] for line in lines)
    sets = sets_of(file)
    # What was measured in mid-training is val's, of the checkpoint that was chosen by it; the table is test's.
    assert best == pytest.approx(deviation(workdir, sets.validation), rel=1e-6)
    table = json.loads((workdir / "table.json").read_text())
    assert (table["split"], table["pairs"]) == ("test", 2)
    assert table["rows"]["fused"]["SD"] == pytest.approx(deviation(workdir, sets.test), rel=1e-6)
    assert table["rows"]["ir"]["SD"] > 2 * best
    assert (workdir / "table.md").read_text().startswith("test, 2 pairs:\n\n| input ")


def test_a_table_of_either_split_says_which(trained, capsys, tmp_path):
    file, workdir = trained
    assert evaluate(workdir, f"--report={tmp_path}") == 0 and capsys.readouterr().out.startswith("test, 2 pairs:\n")
    assert "test, 2 pairs" in (tmp_path / "index.html").read_text()
    assert evaluate(workdir, "--split=val") == 0
    assert capsys.readouterr().out.startswith("val, 3 pairs (they choose weights: no test figures):\n")
    made = {s: json.loads((workdir / "evaluation" / f"held_out_{s}.json").read_text()) for s in ("val", "test")}
    assert {split: (own["split"], own["pairs"]) for split, own in made.items()} == {
        "val": ("val", 3),
        "test": ("test", 2),
    }
    sets = sets_of(file)
    for split, source in (("val", sets.validation), ("test", sets.test)):
        assert made[split]["rows"]["fused"]["SD"] == pytest.approx(deviation(workdir, source), rel=1e-6)
    # Of a folder that is given --split and --list mean the same.
    other = tmp_path / "other"
    for name in "klmnopqrst":
        for camera in ("ir", "vi"):
            write_image(other / camera / f"{name}.png", np.full((48, 48, 1), ord(name), np.uint8))
    for flag in ("--split=test", "--list=test"):
        assert evaluate(workdir, f"--data={other}", flag) == 0
        assert capsys.readouterr().out.startswith("other, test, 1 pairs:\n")
    assert evaluate(workdir, f"--data={other}") == 0 and capsys.readouterr().out.startswith("other, 10 pairs:\n")
    assert evaluate(workdir, "--list=test") == 2 and "--list=test is for --data" in capsys.readouterr().err


def test_a_run_from_before_there_was_a_test_is_read_and_not_resumed_on_other_lists(trained, capsys):
    file, workdir = trained
    path = workdir / "config.json"
    kept = path.read_text()
    keys_from_before(path)
    assert evaluate(workdir) == 0 and capsys.readouterr().out.startswith("val, 3 pairs (they choose weights")
    assert evaluate(workdir, "--split=test") == 2 and "there is no split test" in capsys.readouterr().err
    assert train(file, workdir) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "config.data.test_share = 0.0, and this command has 0.2" in said and said.endswith("to resume.")
    assert train(file, workdir, "--config.data.test_share=0.") == 0
    said = capsys.readouterr().out
    assert "5 training pairs (3 inner, 2 outer), 3 val (choose), 3 val (reported)" in said and "val, 3 pairs" in said
    assert "resumed from step 3 of 3" in said
    path.write_text(kept)
