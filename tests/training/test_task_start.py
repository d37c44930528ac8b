"""Where a task's network starts: a run or a file, as far as its network is the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from bilevel_jax.checkpoints.weights import Weights, write_weights
from bilevel_jax.errors import InputError
from bilevel_jax.training.config import task_block
from bilevel_jax.training.task_start import TaskStart


def network(value, classes=4):
    return {"params": {"stem": {"kernel": jnp.full((3, 2), value)}, "head": {"kernel": jnp.full((2, classes), value)}}}


def written(path, **values):
    """A file with a network for each name; every number in it is the value."""
    parts = {name: jax.tree.map(np.asarray, network(float(value))) for name, value in values.items()}
    write_weights(path, Weights(ConfigDict(), {"boxes": [], "labels": []}, 5, {}, parts))
    return str(path)


@pytest.fixture
def several(tmp_path):
    return written(tmp_path / "several.safetensors", fusion=1, discriminator=2, semantic=3, segmenter=4)


def started(name, start, fresh=None, **keys):
    params = TaskStart(name, task_block(start=start, **keys))(network(0.0) if fresh is None else fresh)
    return {float(leaf.ravel()[0]) for leaf in jax.tree.leaves(params)}


def test_the_network_is_that_of_the_same_name_or_the_named_or_the_only_one(several, tmp_path, capsys):
    assert started("segmenter", several) == {4} and started("semantic", several) == {3}
    assert started("another", f"{several}:semantic") == {3}
    alone = written(tmp_path / "alone.safetensors", fusion=1, semantic=6)
    assert started("another", alone, trainable=False) == {6}
    assert f"another: 2 arrays from {alone}, 0 others fresh" in capsys.readouterr().out


def test_without_a_start_and_with_an_onnx_file_the_drawn_parameters_stay():
    fresh = network(1.0)
    assert TaskStart("task", task_block())(fresh) is fresh
    assert TaskStart("task", task_block(start="detector.onnx"))(fresh) is fresh


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("{file}:depth", r"config\.fixed\.start is .*:depth', and .*several\.safetensors has the semantic networks"),
        ("{file}", r"has the semantic networks segmenter, semantic; expected .*several\.safetensors:TASK with one of"),
        ("{folder}/fusion.safetensors", "fusion.safetensors has no semantic network; expected a place that has one"),
        ("{folder}/nowhere", "nowhere is not a run's folder"),
        ("{folder}/nowhere.safetensors", "nowhere.safetensors does not exist"),
    ],
)
def test_a_place_without_a_network_for_the_task_is_refused(several, tmp_path, place, sentence):
    written(tmp_path / "fusion.safetensors", fusion=1)
    with pytest.raises(InputError, match=sentence):
        started("fixed", place.format(file=several, folder=tmp_path), trainable=False)


def test_a_start_that_fits_in_part_serves_a_network_that_learns_alone(several, capsys):
    fresh = network(0.0, classes=9)
    with pytest.raises(InputError, match="has 1 of this network's 2 arrays, and not params/head/kernel; expected"):
        started("segmenter", several, fresh, trainable=False)
    assert started("segmenter", several, fresh) == {4, 0}
    assert "segmenter: 1 arrays from" in capsys.readouterr().out
    with pytest.raises(InputError, match="has 0 of this network's 1 arrays, and not params/other"):
        started("segmenter", several, {"params": {"other": jnp.zeros(3)}})
