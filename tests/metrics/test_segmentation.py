"""Segmentation scores against values worked by hand."""

import math

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.metrics import confusion_matrix, scores


def test_confusion_has_true_rows_and_predicted_columns_and_leaves_255_out():
    labels = np.array([[0, 0, 1], [1, 1, 255]])
    predictions = np.array([[0, 1, 1], [1, 0, 77]])
    np.testing.assert_array_equal(confusion_matrix(predictions, labels, 3), [[1, 1, 0], [1, 2, 0], [0, 0, 0]])


def test_scores_worked_by_hand():
    confusion = np.array([[6, 2, 0, 0], [1, 3, 0, 0], [0, 4, 0, 0], [0, 0, 0, 0]])
    got = scores(confusion, ("road", "car", "rail", "bump"))
    assert got["IoU/road"] == pytest.approx(6 / 9)
    assert got["IoU/car"] == pytest.approx(3 / 10)
    assert got["IoU/rail"] == 0  # it occurs and is never hit
    assert math.isnan(got["IoU/bump"]) and math.isnan(got["acc/bump"])  # it does not occur
    assert got["acc/road"] == pytest.approx(6 / 8)
    assert got["mIoU_occurring"] == pytest.approx((6 / 9 + 3 / 10 + 0) / 3)
    assert got["mIoU_all"] == pytest.approx((6 / 9 + 3 / 10) / 4)
    assert got["mAcc_occurring"] == pytest.approx((6 / 8 + 3 / 4 + 0) / 3)
    assert got["mAcc_all"] == pytest.approx((6 / 8 + 3 / 4) / 4)
    assert got["pixel_acc"] == pytest.approx(9 / 16)


def test_matrices_of_images_add_up():
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(0, 5, (2, 4, 6, 7))
    parts = sum(confusion_matrix(p, q, 5) for p, q in zip(predictions, labels, strict=True))
    np.testing.assert_array_equal(parts, confusion_matrix(predictions, labels, 5))
    assert parts.sum() == labels.size and parts.dtype == np.int64


def test_nothing_labelled_is_nan():
    empty = confusion_matrix(np.zeros((3, 3), int), np.full((3, 3), 255), 2)
    assert all(math.isnan(value) for value in scores(empty, ("a", "b")).values())


@pytest.mark.parametrize(
    "predictions, labels, message",
    [
        ([[0, 3]], [[0, 1]], "predicted class is 3.*0 ... 2"),
        ([[0, 1]], [[0, -1]], "label is -1"),
        ([[0, 1]], [[0], [1]], "shape"),
    ],
)
def test_what_is_refused(predictions, labels, message):
    with pytest.raises(InputError, match=message):
        confusion_matrix(np.array(predictions), np.array(labels), 3)
    with pytest.raises(InputError, match="2 class names"):
        scores(np.eye(3), ("a", "b"))


def test_a_background_gives_a_second_mean_without_it():
    confusion = np.array([[50, 0, 0], [10, 30, 0], [0, 0, 0]])
    with_background = scores(confusion, ("background", "road", "car"))
    # IoU: background 50 / 60, road 30 / 40, car does not occur and counts 0.
    assert with_background["mIoU_all"] == pytest.approx((50 / 60 + 30 / 40) / 3)
    assert with_background["mIoU_foreground"] == pytest.approx((30 / 40) / 2)
    assert "mIoU_foreground" not in scores(confusion, ("unlabeled", "road", "car"))
