"""YOLOX's losses: who answers for a box on a hand-worked example, the sums against NumPy, and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import reduce_loss
from bilevel_jax.boxes.coco_classes import COCO_CLASSES, coco_members
from bilevel_jax.boxes.yolox_outputs import unlabelled_wins, yolox_boxes
from bilevel_jax.losses import yolox

NAMES = ("person", "car")
PERSON, CAR, TRUCK, DOG = (COCO_CLASSES.index(name) for name in ("person", "car", "truck", "dog"))
yolox_loss, yolox_owners = jax.jit(yolox.yolox_loss), jax.jit(yolox.yolox_owners)

# A canvas of 64 x 64 pixels: 64 cells of stride 8, 16 of stride 16, 4 of stride 32.
CELLS = np.concatenate([np.stack(np.meshgrid(*[np.arange(n)] * 2), axis=-1).reshape(-1, 2) for n in (8, 4, 2)])
STRIDES = np.repeat([8.0, 16.0, 32.0], [64, 16, 4])


def _outputs(raw, scale=1.0):
    return {
        "raw": jnp.asarray(raw, jnp.float32),
        "cells": jnp.asarray(CELLS, jnp.float32),
        "strides": jnp.asarray(STRIDES, jnp.float32),
        "members": jnp.asarray(coco_members(NAMES)),
        "scale": jnp.asarray(scale),
    }


def _nothing(batch=1):
    """Heads that see nothing: boxes of 8 x 8 pixels around the cell's corner, objectness and classes of e^-20."""
    raw = np.zeros((batch, len(CELLS), 85))
    raw[..., 4:] = -20
    raw[..., 2:4] = np.log(8 / STRIDES)[:, None]
    return raw


def _says(raw, cell, box, number, image=0):
    """Makes a cell predict a box (yxyx) of a COCO class with certainty."""
    y0, x0, y1, x1 = box
    stride = STRIDES[cell]
    raw[image, cell, :2] = np.array([x0 + x1, y0 + y1]) / 2 / stride - CELLS[cell]
    raw[image, cell, 2:4] = np.log(np.array([x1 - x0, y1 - y0]) / stride)
    raw[image, cell, 4] = raw[image, cell, 5 + number] = 20


def _random(batch=2, seed=0):
    raw = np.random.default_rng(seed).normal(size=(batch, len(CELLS), 85))
    raw[..., 2:4] += np.log(16 / STRIDES)[:, None]
    return raw


BOXES = jnp.array([[[8.0, 16.0, 40.0, 32.0], [40.0, 40.0, 50.0, 60.0], [0.0, 0.0, 64.0, 64.0]]])
CLASSES = jnp.array([[0, 1, -1]])


def test_a_perfect_prediction_costs_nothing_and_the_assignment_is_the_one_by_hand():
    raw = _nothing()
    # Stride 16: cell (1, 1) covers pixels 16 to 31, the person's centre (24, 24) is its own. Number 64 + 5.
    _says(raw, 69, BOXES[0, 0], PERSON)
    # Stride 8: the car's centre (45, 50) is in row 5, column 6. A truck is a car.
    _says(raw, 46, BOXES[0, 1], TRUCK)
    owners = np.asarray(yolox_owners(_outputs(raw), BOXES, CLASSES)[0])
    expected = np.full(len(CELLS), -1)
    expected[69], expected[46] = 0, 1
    np.testing.assert_array_equal(owners, expected)
    losses = yolox_loss(_outputs(raw), BOXES, CLASSES)
    assert float(reduce_loss(losses)[0]) < 1e-5
    assert all(float(normaliser) == 2 for _, normaliser in losses.values())
    # Without objectness at the person's cell its cross-entropy is 20, and no other term changes.
    raw[0, 69, 4] = -20
    missed = yolox_loss(_outputs(raw), BOXES, CLASSES)
    np.testing.assert_allclose(missed["objectness"][0] - losses["objectness"][0], 20, rtol=1e-5)


def test_only_cells_within_two_and_a_half_strides_of_the_centre_answer():
    box = jnp.array([[[0.0, 0.0, 64.0, 64.0]]])  # centre (32, 32)
    raw = _nothing()
    for cell in range(len(CELLS)):
        _says(raw, cell, (0, 0, 64, 64), PERSON)
    # All predict the box perfectly: ten cells, and all within 20, 40 and 80 pixels of the centre.
    owners = np.asarray(yolox_owners(_outputs(raw), box, jnp.array([[0]]))[0])
    away = np.abs((CELLS + 0.5) * STRIDES[:, None] - 32).max(axis=1)
    assert (owners >= 0).sum() >= 10 and (away[owners >= 0] < 2.5 * STRIDES[owners >= 0]).all()
    # A cell at the border of the fine level is 28 pixels away; alone in seeing the box, it does not answer for it.
    raw = _nothing()
    _says(raw, 0, (0, 0, 64, 64), PERSON)
    assert yolox_owners(_outputs(raw), box, jnp.array([[0]]))[0, 0] == -1


def test_a_cell_that_two_boxes_want_answers_for_the_better_one():
    raw = _nothing()
    _says(raw, 27, (20, 20, 36, 36), PERSON)
    boxes = jnp.array([[[18.0, 18.0, 30.0, 30.0], [20.0, 20.0, 36.0, 36.0]]])
    assert yolox_owners(_outputs(raw), boxes, jnp.array([[0, 0]]))[0, 27] == 1


def test_what_the_data_does_not_label_costs_nothing():
    raw = _nothing()
    before = yolox_loss(_outputs(raw), BOXES, CLASSES)
    _says(raw, 0, (0, 0, 8, 8), DOG)
    after = yolox_loss(_outputs(raw), BOXES, CLASSES)
    np.testing.assert_allclose(after["objectness"], before["objectness"], rtol=1e-5)
    raw[0, 0, 5 + CAR] = 21  # a car that is not there costs its objectness
    np.testing.assert_allclose(yolox_loss(_outputs(raw), BOXES, CLASSES)["objectness"][0] - after["objectness"][0], 20)


@jax.jit
def _slopes(raw, known):
    """Gradients of the three sums with respect to the heads, for an image with a person's box."""
    losses = lambda raw: yolox.yolox_loss(_outputs(raw), BOXES[:, :1], CLASSES[:, :1], None, known)
    return {name: jax.grad(lambda raw, name=name: losses(raw)[name][0])(raw) for name in ("objectness", "class", "box")}


def test_an_unknown_class_s_false_positive_has_no_gradient():
    raw = _nothing()
    _says(raw, 69, BOXES[0, 0], PERSON)
    _says(raw, 0, (0, 0, 8, 8), TRUCK)  # a car that has no box
    raw = jnp.asarray(raw, jnp.float32)
    before, after = (_slopes(raw, jnp.array([known])) for known in ((True, True), (True, False)))
    assert before["objectness"][0, 0, 4] == 1 and not np.any(after["objectness"][0, 0])
    for name in before:  # all other cells
        np.testing.assert_array_equal(after[name][:, 1:, :5], before[name][:, 1:, :5])


def test_unknown_classes_leave_the_class_loss_of_the_others_as_it_was():
    raw = jnp.asarray(_random(1), jnp.float32)
    everything, partly = (_slopes(raw, jnp.array([known])) for known in ((True, True), (True, False)))
    cars = 5 + np.flatnonzero(coco_members(NAMES)[1])
    slope = np.array(everything["class"])
    assert slope[..., cars].any() and slope[..., 5 + PERSON].any()
    slope[..., cars] = 0
    np.testing.assert_array_equal(partly["class"], slope)
    np.testing.assert_array_equal(partly["box"], everything["box"])
    # Objectness: cells that answer for the person, and those where a person is the likeliest of COCO's 80 classes.
    mine = np.asarray(yolox_owners(_outputs(raw), BOXES[:, :1], CLASSES[:, :1]))[0] >= 0
    counted = mine | (np.asarray(raw[0, :, 5:]).argmax(axis=1) == PERSON)
    assert mine.any() and (counted != mine).any()
    np.testing.assert_array_equal(partly["objectness"][0, :, 4] != 0, counted)
    np.testing.assert_array_equal(partly["objectness"][0, counted], everything["objectness"][0, counted])


def test_a_class_of_coco_that_one_known_name_stands_for_is_known():
    raw = _nothing()
    _says(raw, 0, (0, 0, 8, 8), PERSON)
    outputs = _outputs(raw) | {"members": jnp.asarray(coco_members(("person", "people", "car")))}
    wins = [bool(unlabelled_wins(outputs, jnp.array([known]))[0, 0]) for known in np.eye(3, dtype=bool)]
    assert wins == [False, False, True]


def test_an_object_of_an_unknown_class_does_not_cost_a_cell_its_box():
    raw = _nothing()
    raw[..., 2:4] -= 5  # no other cell's box overlaps with the person's
    # Two cells of stride 16 beside the person's centre see the person's box. The first one also sees a car, such as
    # one that the person stands in front of; the second one is a little less sure of the person.
    _says(raw, 69, BOXES[0, 0], PERSON)
    _says(raw, 68, BOXES[0, 0], PERSON)
    raw[0, 69, 5 + CAR], raw[0, 68, 5 + PERSON] = 5, 2
    raw[0, 68:70, 2:4] -= 0.01  # both overlap by a little less than 1 with the box: one cell answers
    owners = lambda known: np.flatnonzero(np.asarray(yolox_owners(_outputs(raw), *person, known)[0]) == 0)
    person = BOXES[:, :1], CLASSES[:, :1]
    np.testing.assert_array_equal(owners(None), [68])
    np.testing.assert_array_equal(owners(jnp.array([[True, True]])), [68])
    np.testing.assert_array_equal(owners(jnp.array([[True, False]])), [69])
    # A set that marks people alone teaches the same as a data set of people alone.
    alone = _outputs(raw) | {"members": jnp.asarray(coco_members(NAMES[:1]))}
    np.testing.assert_array_equal(
        yolox_owners(_outputs(raw), *person, jnp.array([[True, False]])), yolox_owners(alone, *person)
    )


def test_sums_by_numpy_for_the_assignment_at_hand():
    raw, boxes, classes = _random(1), BOXES, CLASSES
    outputs = _outputs(raw)
    owners = np.asarray(yolox_owners(outputs, boxes, classes)[0])
    positive = owners >= 0
    losses = yolox_loss(outputs, boxes, classes)
    sigmoid = lambda x: 1 / (1 + np.exp(-x))
    logits = np.stack([raw[0, :, 5 + PERSON], raw[0, :, [5 + CAR, 5 + 5, 5 + TRUCK]].max(axis=0)], axis=1)
    known = np.isin(raw[0, :, 5:].argmax(axis=1), [PERSON, CAR, 5, TRUCK])
    objectness = sigmoid(raw[0, :, 4])
    expected = -np.log(objectness[positive]).sum() - np.log(1 - objectness[~positive & known]).sum()
    np.testing.assert_allclose(losses["objectness"], (expected, positive.sum()), rtol=1e-5)
    own = np.eye(2)[np.asarray(classes[0])[owners[positive]]]
    p = sigmoid(logits[positive])
    np.testing.assert_allclose(losses["class"][0], -(own * np.log(p) + (1 - own) * np.log(1 - p)).sum(), rtol=1e-5)
    total = 0.0
    found_boxes, own_boxes = np.asarray(yolox_boxes(outputs)[0])[positive], np.asarray(boxes[0])[owners[positive]]
    for found, box in zip(found_boxes, own_boxes, strict=True):
        shared = np.prod(np.maximum(np.minimum(found[2:], box[2:]) - np.maximum(found[:2], box[:2]), 0))
        union = np.prod(found[2:] - found[:2]) + np.prod(box[2:] - box[:2]) - shared
        hull = np.prod(np.maximum(found[2:], box[2:]) - np.minimum(found[:2], box[:2]))
        total += 1 - shared / union + (hull - union) / hull
    np.testing.assert_allclose(losses["box"][0], 5 * total, rtol=1e-4)


def test_classes_that_are_one_class_of_coco_are_targets_together():
    raw = _nothing()
    _says(raw, 69, BOXES[0, 0], PERSON)
    outputs = _outputs(raw) | {"members": jnp.asarray(coco_members(("person", "people", "cyclist")))}
    one, other = (yolox_loss(outputs, BOXES[:, :1], jnp.array([[number]])) for number in (0, 1))
    # The certain and right prediction costs nothing, whichever of the two names the label has.
    assert float(one["class"][0]) < 1e-5 and float(one["class"][1]) == 1
    jax.tree.map(np.testing.assert_array_equal, one, other)
    assert float(yolox_loss(outputs, BOXES[:, :1], jnp.array([[2]]))["class"][0]) > 20


def test_padding_unknown_classes_and_images_of_weight_zero_count_for_nothing():
    raw = _random(2)
    alone = yolox_loss(_outputs(raw[:1]), BOXES[:, :2], CLASSES[:, :2])
    both = yolox_loss(
        _outputs(raw), jnp.tile(BOXES, (2, 1, 1)), jnp.tile(CLASSES, (2, 1)), weight=jnp.array([1.0, 0.0])
    )
    for name in alone:
        np.testing.assert_allclose(both[name], alone[name], rtol=1e-6)
    outputs = _outputs(raw[:1]) | {"members": jnp.asarray(coco_members(("person", "lamp")))}
    assert not np.any(np.asarray(yolox_owners(outputs, BOXES, CLASSES)) == 1)
    empty = yolox_loss(_outputs(raw), jnp.zeros((2, 1, 4)), jnp.full((2, 1), -1))
    assert all(float(normaliser) == 0 for _, normaliser in empty.values())
    assert float(empty["objectness"][0]) > 0 and float(empty["box"][0]) == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_gradient_against_finite_differences(seed):
    raw = _random(1, seed)
    loss = jax.jit(lambda raw: reduce_loss(yolox.yolox_loss(_outputs(raw), BOXES, CLASSES))[0])
    gradient = np.asarray(jax.jit(jax.grad(loss))(jnp.asarray(raw, jnp.float32)))
    assert np.isfinite(gradient).all()
    direction = gradient / np.linalg.norm(gradient)
    step = 1e-3
    slope = (float(loss(raw + step * direction)) - float(loss(raw - step * direction))) / (2 * step)
    np.testing.assert_allclose(slope, np.linalg.norm(gradient), rtol=2e-2)


def test_gradient_is_finite_where_heads_are_wild():
    raw = 100 * _random(2)
    gradient = jax.jit(jax.grad(lambda raw: reduce_loss(yolox.yolox_loss(_outputs(raw), BOXES, CLASSES))[0]))
    assert np.isfinite(np.asarray(gradient(jnp.asarray(raw[:1], jnp.float32)))).all()


def test_classes_of_coco():
    members = coco_members(("People", "Bus", "car", "Lamp"))
    meant = [{COCO_CLASSES[i] for i in np.flatnonzero(row)} for row in members]
    assert meant == [{"person"}, {"bus"}, {"car", "truck"}, set()]
    assert len(COCO_CLASSES) == 80 and (PERSON, CAR, TRUCK) == (0, 2, 7)
