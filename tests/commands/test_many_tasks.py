"""A run of three tasks, one of them frozen, through every command that makes or reads a run."""

import json

import jax
import numpy as np
import pytest

from bilevel_jax.atomic import write_text
from bilevel_jax.checkpoints import load_run
from bilevel_jax.checkpoints.parameters import load_parameters
from bilevel_jax.checkpoints.weights import PARTS, Weights, read_weights, write_weights
from bilevel_jax.commands.convert_weights import export_command, import_command
from bilevel_jax.commands.evaluate import evaluate_command
from bilevel_jax.commands.train import train_command
from bilevel_jax.data.scenes.world import BOX_CLASSES, LABELS
from bilevel_jax.errors import run_command
from bilevel_jax.images.files import read_image
from bilevel_jax.training.config import default_config
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.state import initial_task_params

# `semantic` is a detector that does not train, `segmenter` a segmenter that does.
CONFIG = """
from bilevel_jax.training.config import default_config, task_block

def get_config():
    config = default_config()
    config.data.num_train, config.data.num_validation, config.data.num_test = 4, 2, 2
    config.data.height, config.data.width, config.data.block, config.data.crop = 48, 64, 2, (48, 48)
    config.data.batch_size = config.rows.batch_size = 2
    config.fusion.name = "tiny"
    config.tasks = ("visual", "semantic", "segmenter")
    config.semantic.update(
        task="detection", depth=10, width=4, channels=8, head_convs=1, trainable=False, start="START"
    )
    config.segmenter = task_block(task="segmentation", depth=10, width=4, channels=8)
    config.warm_start.steps, config.steps, config.rows.steps, config.bilevel.outer_every = 1, 2, 1, 2
    config.validate_every, config.keep_best, config.sheet_every, config.checkpoint_every = 3, "segmenter", 3, 3
    return config
"""


def frozen_detector():
    config = default_config()
    config.semantic.update(task="detection", depth=10, width=4, channels=8, head_convs=1)
    network = networks_from_config(config, BOX_CLASSES, LABELS).semantic["semantic"]
    drawn = jax.tree.map(np.asarray, initial_task_params(config, network, jax.random.PRNGKey(7)))
    # Without the bias of a rare object it finds boxes of a score above 0.5 everywhere.
    return jax.tree_util.tree_map_with_path(lambda path, leaf: leaf, drawn)


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """The run: (its folder, the parameters of the frozen network)."""
    folder = tmp_path_factory.mktemp("three_tasks")
    start = folder / "detector.safetensors"
    params, classes = frozen_detector(), {"boxes": list(BOX_CLASSES), "labels": list(LABELS)}
    write_weights(start, Weights(default_config(), classes, 0, {"version": "0", "commit": ""}, {"semantic": params}))
    write_text(folder / "three.py", CONFIG.replace("START", str(start)))
    assert run_command(train_command, ["train.py", f"--config={folder / 'three.py'}", f"--workdir={folder / 'run'}"]) == 0
    return folder / "run", params


def test_a(run):
    pass
