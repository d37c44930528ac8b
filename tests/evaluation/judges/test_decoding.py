"""What goes into each make of detector and how its outputs are read, against loops that follow the description."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from bilevel_jax.evaluation.judges.letterbox import Placement, eight_bit, letterbox, resized
from bilevel_jax.evaluation.judges.nanodet import NanoDet
from bilevel_jax.evaluation.judges.yolox import Yolox
from bilevel_jax.images.placement import letterboxed
from bilevel_jax.models.detectors.yolox import _whole_levels

RNG = np.random.default_rng(0)


def test_yolox():
    """Centre = (xy + cell) * stride, size = exp(wh) * stride, score = objectness * class."""
    output = RNG.uniform(-1, 1, (1, 8 * 4 + 4 * 2 + 2 * 1, 85)).astype(np.float32)
    found = Yolox().decode({"output": output}, 64, 32)
    place = 0
    for stride in (8, 16, 32):
        for row in range(64 // stride):
            for column in range(32 // stride):
                x, y, w, h, objectness, *classes = output[0, place]
                cx, cy = (x + column) * stride, (y + row) * stride
                half = np.exp(h) * stride / 2, np.exp(w) * stride / 2
                expected = [cy - half[0], cx - half[1], cy + half[0], cx + half[1]]
                np.testing.assert_allclose(found.boxes[place], expected, rtol=1e-5, atol=1e-5)
                np.testing.assert_allclose(found.scores[place], objectness * np.array(classes), rtol=1e-6)
                place += 1
    assert place == output.shape[1] == len(found.boxes)


def test_nanodet():
    """Four sides of 8 bins: softmax, expectation over 0 ... 7, times S, from cell * S + (S - 1) / 2."""
    outputs, expected, scores = {}, [], []
    for stride in (8, 16, 32):
        n = (64 // stride) * (32 // stride)
        distances = RNG.normal(0, 2, (1, n, 32)).astype(np.float32)
        outputs[f"dis_pred_stride_{stride}"] = distances
        outputs[f"cls_pred_stride_{stride}"] = RNG.uniform(0, 1, (1, n, 80)).astype(np.float32)
        scores.append(outputs[f"cls_pred_stride_{stride}"][0])
        for place in range(n):
            row, column = divmod(place, 32 // stride)
            y, x = row * stride + (stride - 1) / 2, column * stride + (stride - 1) / 2
            sides = []
            for side in range(4):
                weights = np.exp(distances[0, place, side * 8 : side * 8 + 8].astype(np.float64))
                sides.append(sum(k * weight for k, weight in enumerate(weights)) / weights.sum() * stride)
            left, top, right, bottom = sides
            expected.append([y - top, x - left, y + bottom, x + right])
    found = NanoDet().decode(outputs, 64, 32)
    np.testing.assert_allclose(found.boxes, expected, rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(found.scores, np.concatenate(scores))


def test_the_input_of_yolox_is_bgr_at_the_top_left_on_grey():
    image = np.zeros((20, 40, 3), np.uint8)
    image[:] = [10, 20, 30]
    given, placement = Yolox().prepare(image, 80, 80)
    assert given.shape == (1, 3, 80, 80) and placement == Placement(2.0, 0, 0)
    np.testing.assert_array_equal(given[0, :, 39, 79], [30, 20, 10])
    np.testing.assert_array_equal(given[0, :, 40, 0], 114)


def test_the_input_of_nanodet_is_standardised_bgr_in_the_middle_on_black():
    image = np.zeros((20, 40, 3), np.uint8)
    image[:] = [10, 20, 30]
    given, placement = NanoDet().prepare(image, 80, 80)
    assert placement == Placement(2.0, 20, 0)
    mean, std = np.array([103.53, 116.28, 123.675]), np.array([57.375, 57.12, 58.395])
    np.testing.assert_allclose(given[0, :, 40, 0], ([30, 20, 10] - mean) / std, rtol=1e-5)
    np.testing.assert_allclose(given[0, :, 19, 0], -mean / std, rtol=1e-5)


def test_scaling_up_is_plain_bilinear():
    image = RNG.integers(0, 256, (24, 32, 3)).astype(np.uint8)
    expected = np.asarray(Image.fromarray(image).resize((77, 61), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(resized(image, 61, 77) - expected).max() <= 1
    np.testing.assert_array_equal(resized(image, 24, 32), image)


def test_boxes_come_back_to_the_image():
    image = np.zeros((30, 50, 3), np.uint8)
    image[10:20, 5:45] = 255
    boxed, placement = letterbox(image, 100, 100, fill=0, centred=True)
    rows, columns = np.nonzero(boxed[..., 0] > 127)
    box = np.array([[rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]], np.float32)
    np.testing.assert_allclose(placement.to_image(box), [[10, 5, 20, 45]], atol=0.5)


def test_a_detector_in_training_sees_the_levels_that_its_judge_sees():
    image = RNG.integers(0, 256, (512, 640, 3)).astype(np.uint8)
    expected, placement = letterbox(image, 416, 416, fill=114, centred=False)
    canvas, scale = letterboxed(jnp.asarray(image[None] / np.float32(255)), 416)
    assert scale == placement.scale
    assert np.abs(np.asarray(_whole_levels(canvas))[0] * 255 - expected).max() < 1e-3


@pytest.mark.parametrize("level", [0, 1, 127, 255])
def test_sixteen_bit_becomes_eight(level):
    deep = np.full((2, 2, 3), level * 257, np.uint16)
    np.testing.assert_array_equal(eight_bit(deep), level)
