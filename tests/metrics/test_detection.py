"""Average precisions against values worked by hand."""

import json
import math

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.metrics import coco_ap, coco_json, voc_ap

NAMES = ("person", "bicycle", "car")


def _boxes(*items, scores=False):
    """items: (class, score, y0, x0, y1, x1)"""
    found = {
        "boxes": np.array([item[2:] for item in items], np.float32).reshape(-1, 4),
        "classes": np.array([item[0] for item in items], np.int32),
    }
    return found | ({"scores": np.array([item[1] for item in items], np.float32)} if scores else {})


# Four people in two images. In the order of scores the detections are: hit, miss (overlap 1/3), hit, a second one on
# the first person, hit; one person is never found.
GROUND_TRUTH = [
    _boxes((0, 1, 0, 0, 10, 10), (0, 1, 20, 20, 40, 30), (2, 1, 50, 50, 60, 70)),
    _boxes((0, 1, 0, 0, 8, 8), (0, 1, 30, 30, 50, 50)),
]
DETECTIONS = [
    _boxes(
        (0, 0.9, 0, 0, 10, 10), (0, 0.6, 1, 0, 10, 10), (0, 0.7, 20, 20, 40, 30), (2, 0.3, 50, 50, 60, 70), scores=True
    ),
    _boxes((0, 0.8, 0, 4, 8, 12), (0, 0.5, 0, 0, 8, 8), (1, 0.9, 0, 0, 5, 5), scores=True),
]
SIZES = [(80, 100), (80, 100)]
# Precision 1, 1/2, 2/3, 2/4, 3/5 -> envelope at the hits 1, 2/3, 3/5, each a quarter of the recall.
PERSON_VOC = (1 + 2 / 3 + 3 / 5) / 4
# COCO reads the envelope at recall 0, 0.01 ... 1: 26 times 1 (to 0.25), 25 times 2/3 (to 0.5), 25 times 3/5 (to 0.75).
PERSON_COCO = (26 + 25 * 2 / 3 + 25 * 3 / 5) / 101


def test_voc_example_worked_by_hand():
    assert voc_ap(GROUND_TRUTH, DETECTIONS, 0) == pytest.approx(PERSON_VOC)
    assert voc_ap(GROUND_TRUTH, DETECTIONS, 2) == 1.0
    assert math.isnan(voc_ap(GROUND_TRUTH, DETECTIONS, 1))


def test_coco_example_worked_by_hand(capsys):
    got = coco_ap(GROUND_TRUTH, DETECTIONS, NAMES, SIZES)
    assert got["AP50/person"] == pytest.approx(PERSON_COCO)
    assert got["AP50/car"] == pytest.approx(1.0)
    assert math.isnan(got["AP50/bicycle"])  # detected, but not in the set: out of the mean
    assert got["AP50"] == pytest.approx((PERSON_COCO + 1) / 2)
    assert got["AP50_voc"] == pytest.approx((PERSON_VOC + 1) / 2)
    assert got["AP75"] == pytest.approx(got["AP50"])  # all hits are exact ...
    assert got["AP"] == pytest.approx(got["AP50"])  # ... so they hold at every threshold
    assert capsys.readouterr().out == ""


def test_a_loose_box_counts_at_half_and_not_at_three_quarters():
    truth = [_boxes((0, 1, 0, 0, 10, 10))]
    found = [_boxes((0, 1, 0, 0, 10, 6), scores=True)]  # IoU 0.6
    got = coco_ap(truth, found, ("thing",), [(20, 20)])
    assert got["AP50"] == pytest.approx(1.0) and got["AP75"] == 0 and got["AP50_voc"] == 1.0
    assert got["AP"] == pytest.approx(0.3)  # at 0.5, 0.55, 0.6 of ten thresholds


def test_padding_is_no_box():
    padded = [
        dict(
            boxes=np.pad(f["boxes"], ((0, 3), (0, 0))),
            classes=np.pad(f["classes"], (0, 3), constant_values=-1),
            scores=np.pad(f["scores"], (0, 3)),
        )
        for f in DETECTIONS
    ]
    assert coco_ap(GROUND_TRUTH, padded, NAMES, SIZES) == pytest.approx(
        coco_ap(GROUND_TRUTH, DETECTIONS, NAMES, SIZES), nan_ok=True
    )


def test_nothing_found_is_zero_and_nothing_there_is_nan():
    nothing = [_boxes(scores=True), _boxes(scores=True)]
    got = coco_ap(GROUND_TRUTH, nothing, NAMES, SIZES)
    assert got["AP50"] == got["AP50/person"] == got["AP50_voc"] == got["AP"] == 0
    empty = coco_ap([_boxes(), _boxes()], DETECTIONS, NAMES, SIZES)
    assert all(math.isnan(value) for value in empty.values())


def test_coco_json_is_json_in_coco_form():
    data = json.loads(json.dumps(coco_json(DETECTIONS, NAMES, SIZES, ("a.png", "b.png"))))
    assert data["categories"][0] == {"id": 1, "name": "person"}
    assert data["images"][1] == {"id": 2, "height": 80, "width": 100, "file_name": "b.png"}
    second_image = [a for a in data["annotations"] if a["image_id"] == 2]
    assert second_image[0]["bbox"] == [4, 0, 8, 8] and second_image[0]["score"] == pytest.approx(0.8)
    assert [a["id"] for a in data["annotations"]] == list(range(1, 8))
    assert "score" not in coco_json(GROUND_TRUTH, NAMES, SIZES)["annotations"][0]


def test_what_is_refused():
    with pytest.raises(InputError, match="2, 1 and 2 images"):
        coco_ap(GROUND_TRUTH, DETECTIONS[:1], NAMES, SIZES)
    with pytest.raises(InputError, match="class 2"):
        coco_json(GROUND_TRUTH, NAMES[:2], SIZES)
