"""Cells: what they keep is enough to give the plain figures again, for all images and for some of them."""

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.downstream.cells import figures, make_cell, read_cell, write_cell
from bilevel_jax.training.tasks import SEMANTIC_TASKS

RNG = np.random.default_rng(0)


class Source:
    """Four images of 20 x 30: boxes of two classes, label maps of three; the last has no labels."""

    names, groups = ["1D", "2N", "3D", "4N"], ["day", "night", "day", "night"]
    class_names, label_names = ("person", "car"), ("none", "road", "tree")

    def __init__(self):
        corners = RNG.uniform(0, 10, (4, 3, 2))
        self.boxes = np.concatenate([corners, corners + RNG.uniform(4, 10, corners.shape)], axis=-1).astype(np.float32)
        self.labels = RNG.integers(0, 3, (4, 20, 30)).astype(np.int32)

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return {
            "ir": np.zeros((20, 30, 1), np.uint8),
            "boxes": self.boxes[index],
            "classes": np.array([0, 1, index % 2], np.int32),
            "labels": self.labels[index],
            "has_boxes": np.bool_(index < 3),
            "has_labels": np.bool_(index < 3),
        }


def _predictions(source, task):
    if task == "segmentation":
        return [{"labels": np.where(RNG.random((20, 30)) < 0.7, labels, 1)} for labels in source.labels]
    return [
        {"boxes": boxes + RNG.normal(0, 1, boxes.shape), "scores": RNG.random(3), "classes": np.array([0, 1, 1])}
        for boxes in source.boxes
    ]


@pytest.mark.parametrize(("task", "mean"), [("detection", "AP50"), ("segmentation", "mIoU_all")])
def test_a_cell_gives_its_figures_again(task, mean, tmp_path):
    source, kind = Source(), SEMANTIC_TASKS[task]
    predictions = _predictions(source, task)
    cell = make_cell(kind, source, predictions, "test")
    assert cell["names"] == ["1D", "2N", "3D"] and cell["groups"] == ["day", "night", "day"]
    write_cell(tmp_path / "cell.json", cell, {"kind": "ir"})
    again = read_cell(tmp_path / "cell.json", {"kind": "ir"}, "test")
    expected = kind.scores(source, predictions)
    for key, values in figures(again, np.ones((1, 3), int)).items():
        assert values[0] == pytest.approx(expected[key]) and expected[key] == pytest.approx(cell["scores"][key])
    # One image alone.
    alone = Source()
    alone.boxes, alone.labels = source.boxes, source.labels
    hidden = type("One", (Source,), {"__getitem__": lambda self, i: source[i] | _only(i == 1)})()
    expected = kind.scores(hidden, predictions)
    assert figures(cell, np.array([[0, 4, 0]]))[mean][0] == pytest.approx(expected[mean])


def test_a_network_that_finds_nothing(tmp_path):
    source = Source()
    nothing = {"boxes": np.zeros((0, 4)), "scores": np.zeros(0), "classes": np.zeros(0, int)}
    write_cell(tmp_path / "cell.json", make_cell(SEMANTIC_TASKS["detection"], source, [nothing] * 4, "test"), {})
    found = figures(read_cell(tmp_path / "cell.json", {}, "test"), np.array([[1, 1, 1], [0, 0, 3]]))
    assert {key: values.tolist() for key, values in found.items()} == dict.fromkeys(
        ("AP50", "AP50/person", "AP50/car"), [0.0, 0.0]
    )


def _only(kept):
    return {"has_boxes": np.bool_(kept), "has_labels": np.bool_(kept)}


def test_nothing_labelled(tmp_path):
    class Unlabelled(Source):
        def __getitem__(self, index):
            return super().__getitem__(index) | _only(False)

    source = Unlabelled()
    with pytest.raises(InputError, match="No held-out image has labels for detection"):
        make_cell(SEMANTIC_TASKS["detection"], source, _predictions(source, "detection"), "val")


def test_a_cell_of_something_else_is_not_taken(tmp_path):
    path = tmp_path / "cell.json"
    assert read_cell(path, {"kind": "ir"}, "test") is None
    write_cell(path, {"scores": {}}, {"kind": "fused", "step": 3})
    with pytest.raises(InputError, match="made from .*'step': 3.*not from .*'step': 4"):
        read_cell(path, {"kind": "fused", "step": 4}, "val")
    path.write_text("{")
    with pytest.raises(InputError, match="cell.json cannot be read"):
        read_cell(path, {"kind": "ir"}, "val")


def test_a_cell_of_another_split_is_not_taken(tmp_path):
    path, source = tmp_path / "cell.json", Source()
    cell = make_cell(SEMANTIC_TASKS["segmentation"], source, _predictions(source, "segmentation"), "test")
    write_cell(path, cell, {"kind": "ir"})
    assert read_cell(path, {"kind": "ir"}, "test") == cell
    with pytest.raises(InputError, match="cell.json is about test, not about val; expected another --out"):
        read_cell(path, {"kind": "ir"}, "val")
    # One from before there was a test is about val.
    write_cell(path, {key: value for key, value in cell.items() if key != "split"}, {"kind": "ir"})
    assert read_cell(path, {"kind": "ir"}, "val") == cell | {"split": "val"}
    with pytest.raises(InputError, match="about val, not about test"):
        read_cell(path, {"kind": "ir"}, "test")
