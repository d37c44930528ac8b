"""Figures of resampled sets against the plain evaluation of the images, repeated."""

import numpy as np
import pytest

from bilevel_jax.metrics import coco_ap, confusion_matrix, scores
from bilevel_jax.metrics.resampled import (
    average_precision,
    intersection_over_union,
    match_detections,
    mean_of_classes,
)

NAMES = ("person", "car", "never")


def _set(rng, num_images):
    truth, found = [], []
    for _ in range(num_images):
        corner = rng.uniform(0, 60, (rng.integers(0, 4), 2))
        boxes = np.concatenate([corner, corner + rng.uniform(8, 30, corner.shape)], axis=1)
        truth.append({"boxes": boxes, "classes": rng.integers(0, 2, len(boxes))})
        shifted = np.concatenate([boxes + rng.normal(0, 3, boxes.shape), rng.uniform(0, 40, (2, 4)) + [0, 0, 40, 40]])
        classes = np.concatenate([truth[-1]["classes"], rng.integers(0, 3, 2)])
        found.append({"boxes": shifted, "classes": classes, "scores": rng.random(len(shifted))})
    return truth, found


@pytest.mark.parametrize("seed", range(3))
def test_average_precision_is_that_of_the_repeated_images(seed):
    rng = np.random.default_rng(seed)
    truth, found = _set(rng, 6)
    sizes = [(100, 100)] * 6
    matches = match_detections(truth, found, NAMES, sizes)
    counts = np.array([[1] * 6, [3, 0, 2, 0, 1, 0], [0, 0, 0, 0, 0, 6]])
    for sample in counts:
        chosen = np.repeat(np.arange(6), sample)
        expected = coco_ap([truth[i] for i in chosen], [found[i] for i in chosen], NAMES, [(100, 100)] * len(chosen))
        for name, match in zip(NAMES, matches, strict=True):
            value = average_precision(match, sample[None])[0]
            assert value == pytest.approx(expected[f"AP50/{name}"], abs=1e-12, nan_ok=True), name
    # All samples at once are the samples one by one.
    together = average_precision(matches[0], np.repeat(counts, 400, axis=0))
    alone = [average_precision(matches[0], sample[None])[0] for sample in counts]
    np.testing.assert_array_equal(together, np.repeat(alone, 400))


def test_a_class_without_objects_or_detections():
    truth = [
        {"boxes": np.array([[0, 0, 9, 9.0]]), "classes": np.array([0])},
        {"boxes": np.zeros((0, 4)), "classes": []},
    ]
    none = {"boxes": np.zeros((0, 4)), "classes": np.zeros(0, int), "scores": np.zeros(0)}
    matches = match_detections(truth, [none, none], ("a", "b"), [(9, 9)] * 2)
    np.testing.assert_array_equal(average_precision(matches[0], np.array([[1, 1], [0, 2]])), [0.0, np.nan])
    assert np.isnan(average_precision(matches[1], np.array([[1, 1]]))).all()


def test_intersection_over_union_is_that_of_the_summed_matrices():
    rng = np.random.default_rng(0)
    confusions = np.stack([confusion_matrix(*rng.integers(0, 3, (2, 20, 20)), 4) for _ in range(3)])
    counts = np.array([[1, 1, 1], [0, 3, 0]])
    values = intersection_over_union(confusions, counts)
    for sample, row in zip(counts, values, strict=True):
        expected = scores(np.tensordot(sample, confusions, axes=1), "abcd")
        np.testing.assert_allclose(row, [expected[f"IoU/{name}"] for name in "abcd"])
    assert np.isnan(values[:, 3]).all()


def test_every_sample_is_a_mean_over_the_classes_of_the_set():
    nan = np.nan
    values = np.array([[0.2, 0.8, nan], [0.4, 0.6, nan], [0.4, nan, nan], [0.0, 1.0, 0.3]])
    np.testing.assert_allclose(mean_of_classes(values), [0.5, 0.5, nan, 0.5])
    assert np.isnan(mean_of_classes(np.full((3, 2), nan))).all()
