"""YOLOX as a task: its teacher with a network that can be looked through, its loss and its views on a small file."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import reduce_loss
from bilevel_jax.boxes.coco_classes import COCO_CLASSES, coco_members
from bilevel_jax.checkpoints.weights import read_weights, weights_of_run, write_weights
from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import InputError
from bilevel_jax.training import loop
from bilevel_jax.training.config import check_config, default_config, task_block
from bilevel_jax.training.image_keys import image_keys
from bilevel_jax.training.loop import train
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.prepared_batch import prepare
from bilevel_jax.training.signals import StopRequest
from bilevel_jax.training.state import initial_task_params
from bilevel_jax.training.task_start import TaskStart
from bilevel_jax.training.tasks import SEMANTIC_TASKS
from bilevel_jax.training.tasks.yolox_teacher import YoloxTeacher

TASK = SEMANTIC_TASKS["yolox"]
NAMES = ("person", "bicycle", "car")
SIZE = 48
STRIDE = 64.0
PERSON, CAR = (10.0, 4.0, 26.0, 12.0), (20.0, 20.0, 36.0, 44.0)


class Glass:
    """Sees a person at PERSON as clearly as pixel (18, 8) is bright, and a car at CAR as pixel (28, 32) is.

    At half the brightness the score is 1/4. The person's box lies the brightness in pixels too low.
    """

    members = jnp.asarray(coco_members(NAMES))

    def init(self, key, *images):
        return {}

    def apply(self, params, images):
        raw = jnp.full((len(images), 2, 85), -20.0)
        for cell, (box, pixel, name) in enumerate(((PERSON, (18, 8), "person"), (CAR, (28, 32), "truck"))):
            y0, x0, y1, x1 = box
            light = images[:, pixel[0], pixel[1], 0]
            place = [jnp.full_like(light, (x0 + x1) / 2), (y0 + y1) / 2 + (cell == 0) * light]
            size = [jnp.full_like(light, np.log(x1 - x0)), jnp.full_like(light, np.log(y1 - y0))]
            sure = 10 * (light - 0.5)
            place, size = [value / STRIDE for value in place], [value - np.log(STRIDE) for value in size]
            raw = raw.at[:, cell, :5].set(jnp.stack([*place, *size, sure], axis=-1))
            raw = raw.at[:, cell, 5 + COCO_CLASSES.index(name)].set(sure)
        cells, strides = jnp.zeros((2, 2)), jnp.full(2, STRIDE)
        return {"raw": raw, "cells": cells, "strides": strides, "members": self.members, "scale": jnp.ones(())}


def _batch(infrared=(0.0, 0.0), visible=(0.0, 0.0), pairs=2):
    """Pairs with the given brightness where a person and where a car is seen; the first one has a person's box."""
    ir, vis = np.zeros((pairs, SIZE, SIZE, 1), np.float32), np.zeros((pairs, SIZE, SIZE, 3), np.float32)
    for images, (person, car) in ((ir, infrared), (vis, visible)):
        images[:, 18, 8], images[:, 28, 32] = person, car
    boxes = np.zeros((pairs, 3, 4), np.float32)
    boxes[:, 0], classes = PERSON, np.tile([0, -1, -1], (pairs, 1))
    host = {"ir": ir, "vis": vis, "saliency": ir, "labels": np.zeros((pairs, SIZE, SIZE), np.int32), "boxes": boxes}
    known = np.arange(pairs) == 0
    host |= {"classes": classes, "has_labels": known, "has_boxes": known}
    return prepare(jax.tree.map(jnp.asarray, host), jax.random.key(0))


def _taught(when, batch, least_score=0.4):
    labels = jax.jit(YoloxTeacher(Glass(), when, least_score))(batch)
    return [
        sorted(
            (int(number), *(round(float(side), 2) for side in box))
            for number, box in zip(classes, np.asarray(boxes), strict=True)
            if number >= 0
        )
        for boxes, classes in zip(np.asarray(labels.boxes), np.asarray(labels.classes), strict=True)
    ]


def test_the_teacher_merges_what_it_sees_in_both_sources():
    # The person is seen in both, better in the infrared image; the car in the visible one alone. A box is 0.9 lower.
    batch = _batch(infrared=(0.9, 0.0), visible=(0.8, 0.9))
    person, car = (0, 10.9, 4, 26.9, 12), (2, *CAR)
    assert _taught("unlabelled", batch) == [[(0, *PERSON)], [person, car]]
    # With its own boxes a pair gets what they lack: the person is there already, at an IoU of 0.89.
    assert _taught("always", batch) == [[(0, *PERSON), car], [person, car]]
    # A score of 1/4 is left out, where no more than 1/5 is asked it is not.
    faint = _batch(visible=(0.5, 0.0))
    assert _taught("unlabelled", faint) == [[(0, *PERSON)], []]
    assert len(_taught("unlabelled", faint, least_score=0.2)[1]) == 1


def test_a_partly_labelled_pair_is_taught_the_classes_that_it_does_not_label():
    batch = _batch(infrared=(0.9, 0.0), visible=(0.8, 0.9))
    known = {"known_classes": jnp.array([[True, False, False], [True, True, True]])}
    person, car = (0, 10.9, 4, 26.9, 12), (2, *CAR)
    # The teacher's person, of a known class, is left out even where the pair has no person's box.
    empty = {"classes": jnp.full_like(batch["classes"], -1)}
    assert _taught("unlabelled", batch | known) == [[(0, *PERSON), car], [person, car]]
    assert _taught("unlabelled", batch | known | empty) == [[car], [person, car]]
    assert _taught("always", batch | known) == [[(0, *PERSON), car], [person, car]]
    # All classes are then known.
    assert jax.eval_shape(YoloxTeacher(Glass(), "unlabelled", 0.4), batch | known).known is None


def test_the_loss_leaves_out_what_a_pair_does_not_label():
    network, batch = Glass(), _batch(infrared=(0.9, 0.9))
    lit = batch["vis"].at[:, 28, 32].set(0.9)
    loss = TASK.loss("eyes", task_block(task="yolox", views=False), network, NAMES)
    value = lambda image, batch: reduce_loss(loss({}, image, batch))[0]
    slope = jax.jit(jax.grad(value))
    for known, felt in (((True, True, True), True), ((True, False, False), False)):
        given = batch | {"known_classes": jnp.array([known, (True, True, True)])}
        assert bool(slope(lit, given)[0, 28, 32, 0]) == felt  # the car that has no box
    assert np.any(slope(lit, given)[0, 18, 8])  # the person is a known class


def test_no_gradient_goes_through_the_teacher():
    batch, teacher = _batch(infrared=(0.9, 0.0)), YoloxTeacher(Glass(), "always", 0.4)
    slope = jax.jit(jax.grad(lambda images: teacher(batch | {"ir": images}).boxes.sum()))(batch["ir"])
    assert not np.any(slope)


def test_with_a_teacher_every_pair_counts_and_labels_need_not_be():
    alone, taught = task_block(task="yolox"), task_block(task="yolox", teacher="unlabelled")
    batch = _batch()
    assert TASK.labelled(alone, batch).tolist() == [True, False]
    assert TASK.labelled(taught, batch).tolist() == [True, True]
    assert TASK.needs_labels(alone) and not TASK.needs_labels(taught)
    assert TASK.names(alone, ()) == () and TASK.names(taught, ()) == NAMES
    assert TASK.names(taught, ("people",)) == ("people",)


def _config(file, **keys):
    config = default_config()
    config.data.crop, config.semantic.task = (32, 32), "none"
    config.tasks = ("visual", "semantic", "eyes")
    config.eyes = task_block(task="yolox", start=str(file), **keys)
    return config


def test_a_file_that_cannot_be_the_graph_is_named(tiny_yolox):
    check_config(_config(tiny_yolox, trainable=False))
    for start in ("", "runs/one"):
        with pytest.raises(
            InputError, match=r"config\.eyes\.start is '.*'; expected the ONNX file of a YOLOX detector"
        ):
            check_config(_config(start))


def test_a_run_begins_with_the_file_s_weights_fixed_or_not(tiny_yolox):
    onnx = pytest.importorskip("onnx")
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(tiny_yolox).graph.initializer}
    for trainable in (False, True):
        config = check_config(_config(tiny_yolox, trainable=trainable))
        networks = networks_from_config(config, NAMES, ())
        assert networks.class_names["eyes"] == NAMES
        fresh = initial_task_params(config, networks.semantic["eyes"], jax.random.PRNGKey(0))
        found = TaskStart("eyes", config.eyes)(fresh)
        assert len(found) == 24
        for name, array in found.items():
            np.testing.assert_array_equal(array, weights[name])


def test_the_loss_reaches_every_pixel_and_follows_the_draws(tiny_yolox):
    block = task_block(task="yolox", start=str(tiny_yolox))
    network = TASK.network(block, NAMES)
    batch, loss = _batch(pairs=1), TASK.loss("eyes", block, network, NAMES)
    picture = jnp.asarray(np.random.default_rng(0).uniform(0.3, 0.7, (1, SIZE, SIZE, 3)), jnp.float32)
    value = lambda image, mix: reduce_loss(loss(network.init(None), image, batch | {"mix": mix}))[0]
    both = jax.jit(jax.value_and_grad(value))
    first, gradient = both(picture, batch["mix"])
    assert np.isfinite(gradient).all() and (np.abs(gradient).max(axis=-1) > 0).mean() > 0.99
    again, other = both(picture, batch["mix"])[0], both(picture, batch["mix"] / 2)[0]
    assert first == again != other


def test_two_tasks_draw_different_views():
    draws = jnp.array([0.25, 0.5])
    keys = [np.asarray(jax.vmap(jax.random.key_data)(image_keys(draws, name))) for name in ("eyes", "ears", "eyes")]
    assert (keys[0] == keys[2]).all() and len(np.unique(np.concatenate(keys[:2]), axis=0)) == 4


def test_pairs_without_boxes_have_no_share():
    network = Glass()
    loss = TASK.loss("eyes", task_block(task="yolox", views=False), network, NAMES)
    batch = _batch(pairs=2)
    terms = jax.jit(lambda batch: loss(network.init(None), batch["vis"], batch))
    changed = batch | {
        "vis": batch["vis"].at[1].set(0.5),
        "boxes": batch["boxes"] * jnp.array([1.0, 2.0])[:, None, None],
    }
    for name, pair in terms(batch).items():
        np.testing.assert_allclose(pair, terms(changed)[name], rtol=1e-4)
    assert float(terms(batch)["box"][1]) > 0


@pytest.mark.slow
def test_a_run_with_a_teacher_trains_the_detector_and_keeps_its_weights(tiny_yolox, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "plot_curves", lambda *_: None)
    config = _config(tiny_yolox, teacher="always", teacher_score=0.01)
    config.data.num_train, config.data.num_validation, config.data.num_test, config.data.block = 8, 1, 1, 1
    config.data.height = config.data.width = 48
    config.data.cache_mebibytes, config.data.prefetch, config.data.threads, config.data.batch_size = 0, 1, 0, 2
    config.warm_start.steps, config.steps, config.bilevel.outer_every, config.sheet_every = 1, 2, 1, 0
    train(check_config(config), open_sets(config.data, config.seed), tmp_path, StopRequest())
    line = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
    assert {"term/eyes/objectness", "term/eyes/class", "term/eyes/box", "loss/eyes/inner", "lambda/eyes"} <= line.keys()
    weights = weights_of_run(tmp_path)
    write_weights(tmp_path / "all.safetensors", weights)
    kept = read_weights(tmp_path / "all.safetensors").parts["eyes"]
    start = TASK.network(config.eyes, NAMES).init(None)
    assert kept.keys() == start.keys()
    assert any(np.any(kept[name] != start[name]) for name in start)
