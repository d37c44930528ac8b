"""Detectors that always find the same boxes: average precisions are known, and so is what is merged."""

import sys

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.downstream.train_cells import Input
from bilevel_jax.evaluation.judges.detection_judge import DetectionJudge
from bilevel_jax.evaluation.judges.judge_rows import judge_rows
from bilevel_jax.evaluation.judges.judged_classes import judged_boxes
from bilevel_jax.evaluation.judges.onnx_session import Signature
from bilevel_jax.evaluation.judges.registry import MAKES, make_of

PERSON, BUS = 0, 5


class Pairs:
    """Pairs of 32 x 32, half the size of the detector's input, with a person and a car in each."""

    names, groups, label_names = [f"{i:02d}" for i in range(5)], None, ()
    class_names = ("Car", "people", "bicycle")

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        return {
            "ir": np.full((32, 32, 1), 90, np.uint8),
            "vis": np.full((32, 32, 3), 40 + index, np.uint8),
            "boxes": np.array([[2, 2, 10, 10], [16, 16, 28, 30], [1, 1, 4, 4]], np.float32),
            "classes": np.array([1, 0, 2], np.int32),
            "has_boxes": True,
            "index": index,
        }


ROWS = {name: Input(kind, None, {}) for name, kind in (("vi", "vis"), ("max", "max"))}
RIGHT = [(4, 4, 20, 20, PERSON, 0.9), (32, 32, 56, 60, BUS, 0.8)]


def test_right_boxes_have_an_ap_of_one(write_detector, tmp_path):
    judge = DetectionJudge(write_detector(tmp_path / "right.onnx", RIGHT))
    found = judge.look(Pairs()[0]["vis"])
    np.testing.assert_allclose(found, [[2, 2, 10, 10, 0.9, 0], [16, 16, 28, 30, 0.8, 1]], atol=1e-4)
    figures = {"AP50": 1.0, "AP50/person": 1.0, "AP50/car": 1.0}
    assert judge_rows([judge], Pairs(), ROWS) == {
        "right": {"vi": pytest.approx(figures), "max": pytest.approx(figures)}
    }


def test_wrong_boxes_have_an_ap_of_zero(write_detector, tmp_path):
    wrong = [(40, 4, 56, 20, PERSON, 0.9), (32, 32, 56, 60, PERSON, 0.8)]  # a person where none is, and on the car
    table = judge_rows([DetectionJudge(write_detector(tmp_path / "wrong.onnx", wrong))], Pairs(), ROWS)
    assert table["wrong"]["max"] == {"AP50": 0.0, "AP50/person": 0.0, "AP50/car": 0.0}


def test_one_object_that_is_found_as_car_and_as_bus_counts_once(write_detector, tmp_path):
    twice = [(32, 32, 56, 60, 2, 0.3), (32, 32, 56, 60, BUS, 0.8), (4, 4, 20, 20, PERSON, 0.009)]
    found = DetectionJudge(write_detector(tmp_path / "twice.onnx", twice)).look(Pairs()[0]["vis"])
    assert len(found) == 1 and found[0, 4:].tolist() == pytest.approx([0.8, 1])


def test_late_fusion_merges_what_both_cameras_show(write_detector, tmp_path):
    judge = DetectionJudge(write_detector(tmp_path / "any.onnx", RIGHT))
    both = np.array([[0, 0, 10, 10, 0.5, 0]], np.float32)
    infrared = np.concatenate([both, [[20, 20, 30, 30, 0.7, 0]]]).astype(np.float32)
    visible = np.array([[0, 0, 10, 10.5, 0.6, 0], [0, 0, 10, 10, 0.4, 1]], np.float32)
    merged = judge.merged(infrared, visible)
    # The person that both cameras show stays once, with the better score; a car in the same place is another object.
    np.testing.assert_allclose(merged, [[20, 20, 30, 30, 0.7, 0], [0, 0, 10, 10.5, 0.6, 0], [0, 0, 10, 10, 0.4, 1]])


def test_late_is_a_row(write_detector, tmp_path):
    judge = DetectionJudge(write_detector(tmp_path / "right.onnx", RIGHT))
    table = judge_rows([judge], Pairs(), {"late": Input("late", None, {})})
    assert table["right"]["late"]["AP50"] == pytest.approx(1.0)


def test_bus_truck_and_van_of_a_data_set_are_cars_and_a_lamp_is_not_judged():
    names = ("Lamp", "Bus", "Van", "People")
    boxes = np.arange(20, dtype=np.float32).reshape(5, 4)
    found = judged_boxes(boxes, np.array([0, 1, 2, 3, -1]), names)
    np.testing.assert_array_equal(found["classes"], [1, 1, 0])
    np.testing.assert_array_equal(found["boxes"], boxes[1:4])


def test_a_set_without_a_judged_class_is_refused(write_detector, tmp_path):
    judge = DetectionJudge(write_detector(tmp_path / "right.onnx", RIGHT))
    with pytest.raises(InputError, match="llama has boxes of the classes lamp, and none that .* person, car"):
        judge.check_classes(("lamp",), (), "llama")


def test_makes_are_recognised_and_an_unknown_one_is_refused():
    image = {"images": (1, 3, 416, 416)}
    assert make_of(Signature(image, {"out": (1, 3549, 85)}), "a.onnx") is MAKES["yolox"]
    dense = {f"{what}_pred_stride_8": (1, 2704, n) for what, n in (("cls", 80), ("dis", 32))}
    assert make_of(Signature(image, dense), "a.onnx") is MAKES["nanodet"]
    # YOLOv5 has 85 columns too, but three anchors a cell.
    with pytest.raises(InputError, match=r"a.onnx has .*the outputs output0 \[1, 10647, 85\].* known .*yolox.*nanodet"):
        make_of(Signature(image, {"output0": (1, 10647, 85)}), "a.onnx")


def test_without_onnxruntime_a_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"needs onnxruntime.* pip install 'bilevel-jax\[judge\]'"):
        DetectionJudge(tmp_path / "a.onnx")


def test_a_damaged_file_is_named(tmp_path):
    pytest.importorskip("onnxruntime")
    with pytest.raises(InputError, match="a.onnx does not exist"):
        DetectionJudge(tmp_path / "a.onnx")
    (tmp_path / "a.onnx").write_bytes(b"no network")
    with pytest.raises(InputError, match="a.onnx cannot be read as an ONNX network"):
        DetectionJudge(tmp_path / "a.onnx")
