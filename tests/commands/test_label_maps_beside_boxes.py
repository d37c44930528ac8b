"""A run whose detector learns on pairs with boxes and whose segmenter learns on the label maps of the scenes beside."""

import json

import pytest

from bilevel_jax.atomic import write_text
from bilevel_jax.commands.evaluate import evaluate_command
from bilevel_jax.commands.train import train_command
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.scenes.world import BOX_CLASSES, LABELS
from bilevel_jax.errors import run_command
from bilevel_jax.images.files import read_image, write_image

CONFIG = """
from bilevel_jax.training.config import default_config, task_block

def get_config():
    config = default_config()
    config.data.name, config.data.root, config.data.block = "folder", {root!r}, 1
    config.data.mix = (("scenes", "", 1.0, "labels"),)
    config.data.num_train, config.data.height, config.data.width, config.data.crop = 4, 48, 64, (48, 48)
    config.data.batch_size = config.rows.batch_size = 2
    config.fusion.name = "tiny"
    config.tasks = ("visual", "semantic", "segmenter")
    config.semantic.task = "detection"
    config.segmenter = task_block(task="segmentation", adversarial=0.0)
    config.visual.loss, config.visual.adversarial, config.semantic.adversarial = "none", 0.0, 0.0
    config.warm_start.steps, config.steps, config.bilevel.outer_every, config.rows.steps = 0, 2, 1, 1
    config.validate_every, config.log_every, config.sheet_every = 2, 1, 2
    return config
"""


@pytest.fixture(scope="module")
def run(tiny_networks, tmp_path_factory):
    """The folder of a finished run on six pairs with boxes, of which two are val and test."""
    root, scenes = tmp_path_factory.mktemp("boxes"), SceneSource(6, seed=4, height=48, width=64)
    lists = {"train": range(4), "val": [4], "test": [5]}
    for split, numbers in lists.items():
        (root / f"{split}.txt").write_text("".join(f"n{i}\n" for i in numbers))
    (root / "boxes").mkdir()
    (root / "classes.txt").write_text("\n".join(BOX_CLASSES))
    for i in range(6):
        write_image(root / "ir" / f"n{i}.png", scenes[i]["ir"])
        write_image(root / "vi" / f"n{i}.png", scenes[i]["vis"])
        (root / "boxes" / f"n{i}.txt").write_text("0 0.5 0.5 0.4 0.4\n")
    write_text(root / "config.py", CONFIG.format(root=str(root)))
    options = [f"--config={root / 'config.py'}", f"--workdir={root / 'run'}"]
    assert run_command(train_command, ["train.py", *options]) == 0
    return root / "run"


def test_each_task_learns_from_its_own_set(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert json.loads((run / "classes.json").read_text()) == {"boxes": list(BOX_CLASSES), "labels": list(LABELS)}
    for line in lines:  # half of a batch of two is from the scenes
        for name in ("visual", "semantic", "segmenter"):
            assert line[f"loss/{name}/outer"] > 0 and line[f"lambda/{name}"] > 0


def test_a_task_without_labels_in_the_held_out_pairs_has_no_figure(run, capsys):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert "validation/semantic" in lines[-1] and "validation/segmenter" not in lines[-1]
    rows = json.loads((run / "table.json").read_text())["rows"]
    for row in rows.values():
        assert "AP50/person" in row and not any(name.startswith("segmenter") for name in row)
    assert not list((run / "parameters").glob("*segmenter"))
    # The pictures show what the segmenter finds all the same.
    assert read_image(run / "sheets" / "000002.png").shape[1] == 6 * 192 + 7 * 4
    assert run_command(evaluate_command, ["evaluate.py", f"--workdir={run}", f"--report={run / 'report'}"]) == 0
    capsys.readouterr()
    page = (run / "report" / "index.html").read_text()
    assert ">Detection<" in page and ">Segmentation (segmenter)<" not in page
