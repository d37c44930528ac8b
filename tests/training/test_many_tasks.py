"""Runs of three and of four tasks: what they leave, what a stop changes, and what a task alone may do."""

import json

import jax
import numpy as np
import pytest

from bilevel_jax.checkpoints import load_run
from bilevel_jax.checkpoints.compare import timeless_metrics
from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import StopSignal
from bilevel_jax.training import loop
from bilevel_jax.training.config import check_config, default_config, task_block, task_names
from bilevel_jax.training.loop import train
from bilevel_jax.training.restart import due_before
from bilevel_jax.training.signals import StopRequest

SIZE = 32
BOXES, LABELS = ("person", "bicycle", "car"), tuple("abcdefghi")


@pytest.fixture(scope="module")
def tiny(tiny_networks):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "plot_curves", lambda *_: None)
        make_steps, made = loop.make_steps, {}

        def once(config, *others):  # a second run of one configuration need not be compiled again
            name = config.to_json()
            return made[name] if name in made else made.setdefault(name, make_steps(config, *others))

        patch.setattr(loop, "make_steps", once)
        yield


def configured(*further, **changes):
    """A detector in `semantic`, and the blocks `further` beside it, (name, keys) each."""
    config = default_config()
    config.data.num_train, config.data.num_validation, config.data.num_test, config.data.block = 8, 1, 1, 1
    config.data.height = config.data.width = 48
    config.data.crop, config.data.batch_size = (SIZE, SIZE), 2
    config.data.cache_mebibytes, config.data.prefetch, config.data.threads = 0, 1, 0
    config.semantic.update(task="detection", depth=10, width=8, channels=8, head_convs=1)
    config.tasks = ("visual", "semantic", *(name for name, _ in further))
    for name, keys in further:
        config[name] = task_block(**keys)
    config.warm_start.steps, config.steps, config.bilevel.outer_every = 1, 6, 1
    config.sheet_every, config.checkpoint_every, config.keep_checkpoints = 0, 100, 9
    config.update_from_flattened_dict(changes)
    return check_config(config)


SEGMENTER = ("segmenter", {"task": "segmentation", "depth": 10, "width": 8, "channels": 8})


def run(config, workdir, stop_at=None):
    """Trains, and is told to stop after the step `stop_at`."""
    stop = StopRequest()
    if stop_at is not None:
        stop.asked_of_any = lambda step: step == stop_at
    return train(config, open_sets(config.data, config.seed), workdir, stop)


def assert_same_run(one, other):
    states = [load_run(workdir, "newest")[1] for workdir in (one, other)]
    jax.tree.map(np.testing.assert_array_equal, *states)
    assert timeless_metrics(one) == timeless_metrics(other)


@pytest.fixture(scope="module")
def three(tiny, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("three")
    run(configured(SEGMENTER), workdir)
    return workdir


def test_a_stopped_run_of_three_tasks_goes_on_bit_for_bit(three, tmp_path):
    with pytest.raises(StopSignal):
        run(configured(SEGMENTER), tmp_path, stop_at=4)
    run(configured(SEGMENTER), tmp_path)
    assert_same_run(three, tmp_path)


def test_figures_and_parameters_carry_the_tasks_names(three):
    line = json.loads((three / "metrics.jsonl").read_text().splitlines()[-1])
    for name in ("visual", "semantic", "segmenter"):
        assert {f"loss/{name}/inner", f"loss/{name}/outer", f"lambda/{name}", f"rho/{name}"} <= line.keys()
        assert f"term/{name}/adversarial" in line
    assert "term/segmenter/cross_entropy" in line and "term/semantic/cross_entropy" not in line
    state = load_run(three)[1]
    assert set(state["inner_params"]) == set(state["inner_state"]) == {"visual", "semantic", "segmenter"}


def test_boxes_and_label_maps_of_one_scene_reach_a_batch():
    config = configured(SEGMENTER)
    batch = next(loop._batches(config, open_sets(config.data, 0), "outer"))
    assert batch["has_boxes"].all() and batch["has_labels"].all()
    assert (batch["classes"] >= 0).any() and len(np.unique(batch["labels"])) > 1


@pytest.fixture(scope="module")
def four(three, tmp_path_factory):
    """A run with a fixed network of the run before, and a segmenter that restarts after every second outer step."""
    config, workdir = four_tasks(three), tmp_path_factory.mktemp("four")
    run(config, workdir)
    return config, workdir


def four_tasks(three, restart=2):
    fixed = {"task": "segmentation", "start": f"{three}:segmenter", "trainable": False, "adversarial": 0.0}
    return configured(("fixed", fixed), ("segmenter", SEGMENTER[1] | {"restart": restart}))


# Steps: one of the warm start, then six with an outer step each. A restart comes before the steps 4 and 6.
@pytest.mark.parametrize("stop_at", [3, 4])
def test_a_stopped_run_of_four_tasks_with_a_restart_goes_on_bit_for_bit(four, tmp_path, stop_at):
    config, straight = four
    with pytest.raises(StopSignal):
        run(config, tmp_path, stop_at=stop_at)
    run(config, tmp_path)
    assert_same_run(straight, tmp_path)


def test_a_fixed_network_stays_and_has_no_optimizer(four, three):
    config, workdir = four
    assert task_names(config) == ("visual", "semantic", "fixed", "segmenter")
    state, source = load_run(workdir)[1], load_run(three)[1]
    jax.tree.map(np.testing.assert_array_equal, state["inner_params"]["fixed"], source["inner_params"]["segmenter"])
    assert set(state["inner_state"]) == {"visual", "semantic", "segmenter"}
    line = json.loads((workdir / "metrics.jsonl").read_text().splitlines()[-1])
    assert "loss/fixed/outer" in line and line["correction/fixed"] == 0
    assert not {"loss/fixed/inner", "rho/fixed", "term/fixed/adversarial"} & line.keys() - {"term/fixed/adversarial"}


def test_restarts_follow_the_outer_steps(four):
    config, _ = four
    assert [step for step in range(1, 9) if due_before(config, step)] == [4, 6, 8]
    other = configured(SEGMENTER, **{"visual.restart": 1, "bilevel.outer_every": 3, "warm_start.steps": 2})
    assert {step: due_before(other, step) for step in range(1, 10) if due_before(other, step)} == {
        6: ("visual",),
        9: ("visual",),
    }
