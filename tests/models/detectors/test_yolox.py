"""A YOLOX detector from a file: its outputs against onnxruntime, its boxes by hand, and files that are none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

from bilevel_jax.boxes.coco_classes import COCO_CLASSES, coco_members
from bilevel_jax.boxes.yolox_outputs import yolox_boxes
from bilevel_jax.errors import InputError
from bilevel_jax.models.detectors.yolox import SIDE, decode_yolox, read_yolox

NAMES = ("person", "car")


def _levels(batch):
    return np.random.default_rng(0).integers(0, 256, (batch, SIDE, SIDE, 3))


def _equals_onnxruntime(file, levels, tolerance):
    onnxruntime = pytest.importorskip("onnxruntime")
    detector = read_yolox(str(file), NAMES)
    scale = jnp.ones(())
    outputs = jax.jit(detector.apply)(detector.init(None), jnp.asarray(levels / np.float32(255)), scale)
    images = np.float32(levels[..., ::-1].transpose(0, 3, 1, 2))
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    expected = np.concatenate([session.run(None, {"images": image[None]})[0] for image in images])
    found = np.asarray(outputs["raw"])
    assert found.shape == (len(levels), 3549, 85)
    np.testing.assert_allclose(found[..., :4], expected[..., :4], atol=tolerance)
    np.testing.assert_allclose(expit(found[..., 4:]), expected[..., 4:], atol=tolerance)
    # The decoded boxes as the release decodes them.
    cells = [np.stack(np.meshgrid(*[np.arange(n)] * 2), axis=-1).reshape(-1, 2) for n in (52, 26, 13)]
    strides = np.repeat([8, 16, 32], [len(level) for level in cells])[:, None]
    centre, size = (expected[0, :, :2] + np.concatenate(cells)) * strides, np.exp(expected[0, :, 2:4]) * strides
    boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1)[:, [1, 0, 3, 2]]
    np.testing.assert_allclose(jax.jit(yolox_boxes)(outputs)[0], boxes, rtol=1e-3, atol=0.05)


def test_a_small_file_equals_onnxruntime(tiny_yolox):
    _equals_onnxruntime(tiny_yolox, _levels(1), 1e-4)


@pytest.mark.slow
def test_the_published_file_equals_onnxruntime(judges):
    _equals_onnxruntime(judges / "yolox_nano.onnx", _levels(2), 3e-4)


def test_a_canvas_of_another_size_has_its_own_cells(tiny_yolox):
    detector = read_yolox(str(tiny_yolox), NAMES)
    shape = jax.ShapeDtypeStruct((1, 64, 96, 3), jnp.float32)
    outputs = jax.eval_shape(detector.apply, detector.network.params, shape, jax.ShapeDtypeStruct((), jnp.float32))
    assert outputs["raw"].shape == (1, 8 * 12 + 4 * 6 + 2 * 3, 85)


def test_a_picture_is_put_on_the_canvas_in_whole_levels(tiny_yolox):
    # Twice as large: linear interpolation halves and quarters the steps between the levels.
    picture = np.random.default_rng(0).integers(0, 256, (1, SIDE // 2, SIDE // 4, 3))
    detector = read_yolox(str(tiny_yolox), NAMES)
    found = jax.jit(lambda images: detector.apply(detector.network.params, images))(jnp.asarray(picture / 255.0))
    canvas = np.full((1, SIDE, SIDE, 3), 114.0)
    enlarged = jax.image.resize(jnp.asarray(picture, jnp.float32), (1, SIDE, SIDE // 2, 3), "linear")
    canvas[:, :, : SIDE // 2] = np.floor(np.asarray(enlarged) + 0.501)
    whole = jax.jit(detector.apply)(detector.network.params, jnp.asarray(canvas / 255, jnp.float32), jnp.ones(()))
    np.testing.assert_allclose(found["raw"], whole["raw"], atol=1e-3)
    assert float(found["scale"]) == 2


def test_boxes_by_hand_best_first_in_pixels_of_the_picture():
    raw = np.full((1, 4, 85), -20.0)
    raw[..., :4] = 0
    person, truck = COCO_CLASSES.index("person"), COCO_CLASSES.index("truck")
    # Cells of 32 pixels. Cell 0: a person of 32 x 32 pixels around (0, 0), score 1/2 * 1/2. Cell 1: the same box.
    raw[0, 0, 4] = raw[0, 0, 5 + person] = 0
    raw[0, 1, 0], raw[0, 1, 4], raw[0, 1, 5 + person] = -1, 0, -1
    # Cell 3: a truck, so a car, twice as wide as high, around (48, 32).
    raw[0, 3, :4] = [0.5, 0, np.log(2), 0]
    raw[0, 3, 4] = raw[0, 3, 5 + truck] = 20
    outputs = {
        "raw": jnp.asarray(raw, jnp.float32),
        "cells": jnp.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]),
        "strides": jnp.full(4, 32.0),
        "members": jnp.asarray(coco_members(NAMES)),
        "scale": jnp.asarray(2.0),
    }
    found = jax.jit(decode_yolox)(outputs)
    np.testing.assert_array_equal(found["classes"][0, :3], [1, 0, -1])
    np.testing.assert_allclose(found["scores"][0, :3], [1, 0.25, 0], rtol=1e-5)
    np.testing.assert_allclose(found["boxes"][0, :2], [[8, 8, 24, 40], [-8, -8, 8, 8]], atol=1e-4)


def test_files_and_classes_that_do_not_fit_are_named(tiny_yolox, tmp_path):
    with pytest.raises(InputError, match="classes of the data set are lamp, tree; expected at least one that COCO has"):
        read_yolox(str(tiny_yolox), ("lamp", "tree"))
    with pytest.raises(InputError, match="missing.onnx"):
        read_yolox(str(tmp_path / "missing.onnx"), NAMES)


def test_a_detector_without_the_heads_of_yolox_is_named(judges):
    with pytest.raises(InputError, match="nanodet_m_416.onnx has no YOLOX heads; expected for each stride a box"):
        read_yolox(str(judges / "nanodet_m_416.onnx"), NAMES)
