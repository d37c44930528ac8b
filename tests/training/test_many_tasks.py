"""Runs of three and of four tasks: what they leave, what a stop changes, and what a task alone may do."""

import json
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.checkpoints import load_run
from bilevel_jax.checkpoints.compare import timeless_metrics
from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import InputError, StopSignal
from bilevel_jax.training import loop
from bilevel_jax.training.config import check_config, default_config, task_block, task_names
from bilevel_jax.training.devices import device_mesh, place_state
from bilevel_jax.training.loop import train
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.restart import Restarts, due_before
from bilevel_jax.training.signals import StopRequest
from bilevel_jax.training.state import Optimizers, initial_state
from bilevel_jax.training.task_start import TaskStart

SIZE = 32


@pytest.fixture(scope="module")
def tiny(tiny_networks):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "plot_curves", lambda *_: None)
        make_steps, made = loop.make_steps, {}

        def once(config, *others):  # a second run of one configuration need not be compiled again
            name = config.to_json()
            return made[name] if name in made else made.setdefault(name, make_steps(config, *others))

        patch.setattr(loop, "make_steps", once)
        yield lambda config: made[config.to_json()]


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
    config.warm_start.steps, config.steps, config.bilevel.outer_every = 0, 6, 1
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


@pytest.mark.slow
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


# Each of the six steps has an outer step. A restart comes before the steps 3 and 5.
@pytest.mark.parametrize("stop_at", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_a_stopped_run_of_four_tasks_with_a_restart_goes_on_bit_for_bit(four, tmp_path, stop_at):
    config, straight = four
    with pytest.raises(StopSignal):
        run(config, tmp_path, stop_at=stop_at)
    run(config, tmp_path)
    assert_same_run(straight, tmp_path)


@pytest.mark.slow
def test_a_stopped_run_with_a_fixed_yolox_goes_on_bit_for_bit(tiny, tmp_path):
    detector = Path(os.environ.get("BILEVEL_JAX_TEST_DATA", "")).parent / "judges" / "yolox_nano.onnx"
    if not detector.exists():
        pytest.skip("yolox_nano.onnx is not here")
    yolox = {"task": "yolox", "start": str(detector), "trainable": False}
    config = configured(SEGMENTER, ("yolox", yolox), steps=2)
    run(config, tmp_path / "straight")
    with pytest.raises(StopSignal):
        run(config, tmp_path / "stopped", stop_at=1)
    run(config, tmp_path / "stopped")
    assert_same_run(tmp_path / "straight", tmp_path / "stopped")
    state = load_run(tmp_path / "straight")[1]
    assert "yolox" in state["inner_params"] and set(state["inner_state"]) == {"visual", "semantic", "segmenter"}
    line = json.loads((tmp_path / "straight" / "metrics.jsonl").read_text().splitlines()[-1])
    assert line["loss/yolox/outer"] > 0 and line["lambda/yolox"] > 0 and "loss/yolox/inner" not in line


def test_a_fixed_network_stays_and_has_no_optimizer(four, three):
    config, workdir = four
    assert task_names(config) == ("visual", "semantic", "fixed", "segmenter")
    state, source = load_run(workdir)[1], load_run(three)[1]
    jax.tree.map(np.testing.assert_array_equal, state["inner_params"]["fixed"], source["inner_params"]["segmenter"])
    assert set(state["inner_state"]) == {"visual", "semantic", "segmenter"}
    line = json.loads((workdir / "metrics.jsonl").read_text().splitlines()[-1])
    assert "loss/fixed/outer" in line and line["correction/fixed"] == 0
    assert not {"loss/fixed/inner", "rho/fixed"} & line.keys()
    # The weight of the adversarial term is each block's own.
    assert line["term/fixed/adversarial"] == 0 < line["term/segmenter/adversarial"]


def test_restarts_follow_the_outer_steps(four):
    config, _ = four
    assert [step for step in range(1, 8) if due_before(config, step)] == [3, 5, 7]
    other = configured(SEGMENTER, **{"visual.restart": 1, "bilevel.outer_every": 3, "warm_start.steps": 2})
    assert {step: due_before(other, step) for step in range(1, 10) if due_before(other, step)} == {
        6: ("visual",),
        9: ("visual",),
    }


def host_batch(config, boxes=True, labels=True):
    """A batch of the run whose images have boxes or label maps only where that is asked for."""
    batch = next(loop._batches(config, open_sets(config.data, 0), "inner"))
    return batch | {"has_boxes": np.full(2, boxes), "has_labels": np.full(2, labels)}


STATES = {}  # text of a configuration -> its state before the first step, on the host


def fresh_state(config):
    if config.to_json() not in STATES:
        sets = open_sets(config.data, 0)
        networks = networks_from_config(config, sets.train.class_names, sets.train.label_names)
        STATES[config.to_json()] = jax.device_get(initial_state(config, networks, Optimizers(config)))
    return place_state(device_mesh(), STATES[config.to_json()])


def same(one, other):
    return all(jax.tree.leaves(jax.tree.map(lambda a, b: bool((np.asarray(a) == np.asarray(b)).all()), one, other)))


@pytest.mark.parametrize("labelled", ["boxes", "labels"])
def test_a_batch_with_labels_for_some_tasks_trains_these_alone(three, tiny, labelled):
    config = configured(SEGMENTER)
    steps, state = tiny(config), fresh_state(config)
    present, absent = ("semantic", "segmenter") if labelled == "boxes" else ("segmenter", "semantic")
    batch = host_batch(config, boxes=labelled == "boxes", labels=labelled == "labels")
    before = jax.device_get(state)
    state, _ = steps.inner(state, host_batch(config))  # momentum, which would move a network on without a gradient
    kept = jax.device_get(state)
    state, _ = steps.inner(state, batch)
    moved = jax.device_get(state)
    assert not same(before.inner_params[absent], kept.inner_params[absent])
    assert same(kept.inner_params[absent], moved.inner_params[absent])
    assert same(kept.inner_state[absent], moved.inner_state[absent])
    for name in ("visual", present):
        assert not same(kept.inner_params[name], moved.inner_params[name])
    state, metrics = steps.outer(state, batch, host_batch(config))
    weights = {name: float(metrics[f"lambda/{name}"]) for name in task_names(config)}
    assert weights[absent] == 0 and min(weights["visual"], weights[present]) > 0
    assert sum(weights.values()) == pytest.approx(1)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(jax.device_get(state)))


def test_a_network_that_restarts_has_its_first_parameters_and_a_fresh_optimizer(four, three):
    config, workdir = four
    start, trained = jax.device_get(fresh_state(config)), load_run(workdir)[1]
    moved = place_state(device_mesh(), start.replace(inner_params=trained["inner_params"]))
    restarts = Restarts(config, Optimizers(config), device_mesh(), workdir)
    assert restarts(moved, 2) is moved
    after = jax.device_get(restarts(moved, 3))
    assert same(after.inner_params["segmenter"], start.inner_params["segmenter"])
    assert not same(after.inner_params["segmenter"], trained["inner_params"]["segmenter"])
    assert same(after.inner_state["segmenter"], start.inner_state["segmenter"])
    for name in ("visual", "semantic", "fixed"):
        assert same(after.inner_params[name], trained["inner_params"][name])
    with pytest.raises(InputError, match=r"config\.segmenter\.restart is 2, and .* has no parameters/start_segmenter"):
        Restarts(config, Optimizers(config), device_mesh(), three)


def test_a_further_task_leaves_the_first_parameters_of_the_others_alone(tiny):
    two, more = (fresh_state(configured(*further)) for further in ((), (SEGMENTER,)))
    for name in ("visual", "semantic"):
        assert same(two.inner_params[name], more.inner_params[name])
    assert same(two.outer_params, more.outer_params)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("{three}:depth", "three0 has the semantic networks segmenter, semantic; expected .*three0:TASK with one of"),
        ("{three}", "three0 has the semantic networks segmenter, semantic; expected"),
        ("{three}:semantic", "whose network has 0 of this network's 2 arrays, and not params/classify/"),
        ("nowhere", "nowhere is not a run's folder"),
    ],
)
def test_a_start_without_a_network_for_the_task_is_refused(three, place, sentence):
    block = task_block(task="segmentation", start=place.format(three=three), trainable=False)
    fresh = {"params": {"classify": {"kernel": jnp.zeros((1, 1, 3, 9)), "bias": jnp.zeros(9)}}}
    with pytest.raises(InputError, match=sentence):
        TaskStart("fixed", block)(fresh)


def test_a_start_that_fits_in_part_serves_a_network_that_learns_alone(three, capsys):
    start = f"{three}:segmenter"
    fresh = {"params": {"classify": {"kernel": jnp.zeros((1, 1, 3, 9)), "bias": jnp.zeros(4)}}}
    with pytest.raises(InputError, match="has 1 of this network's 2 arrays, and not params/classify/bias"):
        TaskStart("fixed", task_block(start=start, trainable=False))(fresh)
    taken = TaskStart("learnt", task_block(start=start))(fresh)["params"]["classify"]
    assert np.abs(taken["kernel"]).max() > 0 and np.abs(taken["bias"]).max() == 0
    assert f"learnt: 1 arrays from {start}, 1 others fresh" in capsys.readouterr().out
