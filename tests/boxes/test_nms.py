"""Suppression against a plain loop."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from bilevel_jax.boxes.nms import batched_nms


def _jitted(iou_threshold, max_outputs):
    return jax.jit(functools.partial(batched_nms, iou_threshold=iou_threshold, max_outputs=max_outputs))


def _overlap(a, b):
    height = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    width = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    shared = height * width
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def _greedy(boxes, scores, classes, threshold):
    kept = []
    for i in np.argsort(-scores, kind="stable"):
        rivals = [j for j in kept if classes[j] == classes[i] and _overlap(boxes[i], boxes[j]) > threshold]
        if classes[i] >= 0 and not rivals:
            kept.append(int(i))
    return kept


def test_equals_the_greedy_loop():
    rng = np.random.default_rng(0)
    batch, num = 6, 60
    corner, size = rng.random((batch, num, 2)) * 40, rng.random((batch, num, 2)) * 30 + 2
    boxes = np.concatenate([corner, corner + size], -1).astype(np.float32)
    scores = rng.random((batch, num)).astype(np.float32)
    classes = rng.integers(-1, 3, (batch, num))
    kept = _jitted(0.4, 70)(boxes, scores, classes)
    assert kept.shape == (batch, 70)
    for index in range(batch):
        expected = _greedy(boxes[index].astype(np.float64), scores[index], classes[index], 0.4)
        assert 5 < len(expected) < 60
        np.testing.assert_array_equal(kept[index], expected + [-1] * (70 - len(expected)))


def test_best_come_first_and_a_dropped_box_drops_no_other():
    # A chain: the first overlaps the second by 0.6, the second the third, the first not the third.
    boxes = jnp.array([[[0.0, 0.0, 10.0, 8.0], [0.0, 2.0, 10.0, 10.0], [0.0, 4.0, 10.0, 12.0]]])
    scores = jnp.array([[0.7, 0.8, 0.9]])
    same = jnp.zeros((1, 3), int)
    suppress = _jitted(0.5, 2)
    np.testing.assert_array_equal(suppress(boxes, scores, same), [[2, 0]])
    np.testing.assert_array_equal(suppress(boxes, scores, jnp.array([[0, 1, 2]])), [[2, 1]])
