"""A run of three tasks, one of them frozen, through the commands that make and read a run."""

import json

import jax
import numpy as np
import pytest

from bilevel_jax.atomic import write_text
from bilevel_jax.checkpoints import load_run
from bilevel_jax.checkpoints.parameters import load_parameters
from bilevel_jax.checkpoints.weights import Weights, read_weights, write_weights
from bilevel_jax.commands.convert_weights import export_command, import_command
from bilevel_jax.commands.downstream import downstream_command
from bilevel_jax.commands.evaluate import evaluate_command
from bilevel_jax.commands.train import train_command
from bilevel_jax.data.scenes.world import BOX_CLASSES, LABELS
from bilevel_jax.errors import run_command
from bilevel_jax.images.files import read_image
from bilevel_jax.training.config import default_config
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.state import initial_task_params

KINDS = ("ir", "vis", "average", "fused")
CLASSES = {"boxes": list(BOX_CLASSES), "labels": list(LABELS)}
# `semantic` is a detector that does not train, `segmenter` a segmenter that does.
CONFIG = """
from bilevel_jax.training.config import default_config, task_block

def get_config():
    config = default_config()
    config.data.num_train, config.data.num_validation, config.data.num_test, config.data.block = 4, 2, 2, 2
    config.data.height, config.data.width, config.data.crop = 48, 64, (48, 48)
    config.data.batch_size = config.rows.batch_size = 2
    config.fusion.name = "tiny"
    config.tasks = ("visual", "semantic", "segmenter")
    config.semantic.update(task="detection", trainable=False, start="START")
    config.segmenter = task_block(task="segmentation")
    config.warm_start.steps, config.steps, config.bilevel.outer_every = 1, 2, 2
    config.rows.steps, config.rows.learning_rate = 9, 0.3
    config.validate_every, config.keep_best, config.sheet_every, config.checkpoint_every = 3, "segmenter", 3, 3
    return config
"""


@pytest.fixture(scope="module")
def run(tiny_networks, tmp_path_factory):
    """A finished run: (its folder, the parameters of the frozen detector)."""
    folder = tmp_path_factory.mktemp("three_tasks")
    config = default_config()
    config.semantic.task = "detection"
    network = networks_from_config(config, BOX_CLASSES, LABELS).semantic["semantic"]
    params = jax.tree.map(np.asarray, initial_task_params(config, network, jax.random.PRNGKey(7)))
    params["params"]["detect"]["bias"] = np.array([0, 0, 0, 0, 4, -9, -9, 7], np.float32)  # sees a car everywhere
    detector = Weights(config, CLASSES, 0, {"version": "0", "commit": ""}, {"semantic": params})
    write_weights(folder / "detector.safetensors", detector)
    write_text(folder / "three.py", CONFIG.replace("START", str(folder / "detector.safetensors")))
    options = [f"--config={folder / 'three.py'}", f"--workdir={folder / 'run'}"]
    assert run_command(train_command, ["train.py", *options]) == 0
    return folder / "run", params


def assert_same(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_what_a_run_of_three_tasks_leaves(run):
    workdir, detector = run
    last = json.loads((workdir / "metrics.jsonl").read_text().splitlines()[-1])
    assert {"validation/semantic", "validation/segmenter", "loss/semantic/outer", "lambda/segmenter"} <= last.keys()
    figures = json.loads((workdir / "checkpoints" / "3" / "validation" / "metadata").read_text())
    assert figures["segmenter"] == last["validation/segmenter"] > 0  # keep_best chooses by it
    # infrared, visible, fused, one column for each of two semantic tasks, labels
    assert read_image(workdir / "sheets" / "000003.png").shape[1] == 6 * 192 + 7 * 4
    config, state = load_run(workdir)
    assert_same(state["inner_params"]["semantic"], detector)
    assert list(config.tasks) == ["visual", "semantic", "segmenter"]
    # A fresh segmenter for each kind of input; the detector is applied as it is.
    assert sorted(path.name for path in (workdir / "parameters").iterdir()) == sorted(
        f"row_{kind}_segmenter" for kind in KINDS
    )
    rows = json.loads((workdir / "table.json").read_text())["rows"]
    assert list(rows) == list(KINDS)
    for row in rows.values():
        assert row["segmenter.mIoU_occurring"] > 0 and "AP50/car" in row and "mIoU_occurring" not in row
    text = (workdir / "table.md").read_text()
    assert text.count("| input ") == 2 and "segmenter.IoU/car %" in text and " AP50/car %" in text


def test_evaluate_says_where_it_wrote_and_gives_the_figures_of_the_table(run, tmp_path, capsys):
    workdir, _ = run
    options = [f"--workdir={workdir}", f"--predictions={tmp_path / 'seen'}", f"--report={tmp_path / 'report'}"]
    assert run_command(evaluate_command, ["evaluate.py", *options]) == 0
    printed = capsys.readouterr().out
    path = workdir / "evaluation" / "held_out_test.json"
    assert f"Table: {path}; predictions: {tmp_path / 'seen'}\n" in printed
    evaluated, table = (json.loads(p.read_text())["rows"] for p in (path, workdir / "table.json"))
    for kind in KINDS:
        assert evaluated[kind] == pytest.approx(table[kind], nan_ok=True)
        assert len(list((tmp_path / "seen" / "segmenter" / kind / "labels").glob("*.png"))) == 2
        assert json.loads((tmp_path / "seen" / "semantic" / kind / "detections.json").read_text())
    page = (tmp_path / "report" / "index.html").read_text()
    assert ">Detection<" in page and ">Segmentation (segmenter)<" in page
    assert "All rows are figures of one network, which the run does not train." in page
    assert "predicted classes (segmenter)" in page and "with detection and segmentation (segmenter)" in page


def test_weights_of_all_tasks_go_out_and_come_back(run, tmp_path, capsys):
    workdir, detector = run
    file = tmp_path / "all.safetensors"
    parts = "fusion,discriminator,semantic,segmenter"
    options = ["export", f"--workdir={workdir}", f"--out={file}", f"--parts={parts}"]
    assert run_command(export_command, options) == 0
    weights = read_weights(file)
    assert set(weights.parts) == set(parts.split(",")) and weights.config.semantic.start == "detector.safetensors"
    assert_same(weights.parts["semantic"], detector)
    assert run_command(import_command, ["import", f"--weights={file}", f"--workdir={tmp_path / 'back'}"]) == 0
    before, after = load_run(workdir)[1], load_run(tmp_path / "back")[1]
    for name in ("outer_params", "inner_params"):
        assert_same(before[name], after[name])
    assert run_command(export_command, [*options[:-1], "--parts=fusion,yolox"]) == 2
    assert "--parts has 'yolox'; expected some of fusion, discriminator, semantic, segmenter" in capsys.readouterr().err


def test_a_comparison_of_inputs_takes_one_of_the_tasks_by_name(run, tmp_path, capsys):
    workdir, _ = run
    options = ["downstream.py", f"--workdir={workdir}", "--inputs=ir,ours", "--seeds=0", f"--out={tmp_path}"]
    assert run_command(downstream_command, [*options, "--task=segmenter"]) == 0
    assert "segmentation (segmenter): a network of its own for each input" in capsys.readouterr().out
    assert set(json.loads((tmp_path / "settings.json").read_text())) >= {"data", "segmenter", "rows"}
    figures = json.loads((tmp_path / "comparison.json").read_text())["figures"]
    assert list(figures) == ["ir", "ours"] and "mIoU_all" in figures["ours"]
    assert run_command(downstream_command, [*options, "--task=semantic"]) == 2
    assert "--task=semantic is a network that is not trained" in capsys.readouterr().err


def test_a_row_differs_by_what_its_segmenter_was_trained_on(run):
    workdir, _ = run
    infrared, visible = (load_parameters(workdir, f"row_{kind}_segmenter") for kind in ("ir", "vis"))
    assert any(np.any(a != b) for a, b in zip(*map(jax.tree.leaves, (infrared, visible)), strict=True))
