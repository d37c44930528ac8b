"""A segmenter that tells three colours apart, against label maps that are known."""

from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.downstream.train_cells import Input
from bilevel_jax.evaluation.judges.agreement import AgreementMaps, mutual_agreement
from bilevel_jax.evaluation.judges.judge_rows import judge_rows
from bilevel_jax.evaluation.judges.segmentation_judge import SegmentationJudge
from bilevel_jax.evaluation.judges.segmented_classes import CONVENTIONS, from_names
from bilevel_jax.images.files import write_image

PERSON, CAR, ROAD = 11, 13, 0  # of Cityscapes


def image():
    """Red (a person) on the left, green (a car) in the middle, blue (a road) on the right."""
    result = np.zeros((8, 12, 3), np.uint8)
    for channel in range(3):
        result[:, 4 * channel : 4 * channel + 4, channel] = 200
    return result


class Pairs:
    names, groups, class_names = ["a", "b"], None, ()
    label_names = ("background", "Car", "person", "bike")

    def __len__(self):
        return 2

    def __getitem__(self, index):
        labels = np.zeros((8, 12), np.int32)
        labels[:, :4], labels[:, 4:8] = 2, 1
        labels[:4, 4:8] = 0  # half of what is green is no car
        labels[:, 11] = 255
        return {
            "ir": np.zeros((8, 12, 1), np.uint8),
            "vis": image(),
            "labels": labels,
            "has_labels": True,
            "index": index,
        }


ROWS = {"vi": Input("vis", None, {})}
EXPECTED = {"mIoU": 0.75, "IoU/person": 1.0, "IoU/car": 0.5, "IoU/bike": np.nan}


@pytest.fixture
def judge(write_segmenter, tmp_path):
    path = write_segmenter(tmp_path / "colours.onnx", 19, [PERSON, CAR, ROAD])
    return lambda **options: SegmentationJudge(path, **{"levels": "unit", **options})


def test_iou_against_the_labels_of_a_set(judge):
    assert np.unique(judge().look(image())).tolist() == [ROAD, PERSON, CAR]
    assert judge_rows([judge()], Pairs(), ROWS)["colours"]["vi"] == pytest.approx(EXPECTED, nan_ok=True)


def test_logits_of_another_size_are_scaled_to_the_image(write_segmenter, tmp_path):
    path = write_segmenter(tmp_path / "small.onnx", 19, [PERSON, CAR, ROAD], (4, 6))
    found = SegmentationJudge(path, levels="byte").look(image())
    np.testing.assert_array_equal(found[:, [1, 5, 10]], np.tile([PERSON, CAR, ROAD], (8, 1)))


def test_agreement_maps_take_the_place_of_labels(judge, tmp_path):
    """MFNet's numbers: car 1, person 2, bike 3; a pair without a map does not count."""
    numbers = np.array([0, 1, 2, 3], np.uint8)[Pairs()[0]["labels"].clip(0, 3)]
    numbers[:, 11] = 255
    numbers[:2, 8:11] = 7  # another class of MFNet is "other"
    write_image(tmp_path / "maps" / "b.png", numbers)
    maps = AgreementMaps(tmp_path / "maps")
    table = judge_rows([judge(agreement=maps)], Pairs(), ROWS)
    assert table["colours"]["vi"] == pytest.approx(EXPECTED, nan_ok=True)
    write_image(tmp_path / "maps" / "b.png", numbers + np.uint8(20))
    with pytest.raises(InputError, match="b.png has the class number 27; expected MFNet's 0 ... 8, or 255"):
        judge_rows([judge(agreement=AgreementMaps(tmp_path / "maps"))], Pairs(), ROWS)


def test_the_ceiling_is_the_mean_iou_of_all_pairs_of_segmenters(tmp_path):
    columns = {"one": [2, 2, 1, 0], "two": [2, 0, 1, 0], "three": [2, 2, 0, 0], "all": [2, 2, 1, 255]}
    for name, row in columns.items():
        write_image(tmp_path / name / "a.png", np.array([row], np.uint8))

    def folders_of(*names):
        return [AgreementMaps(tmp_path / name) for name in names]

    folders = folders_of(*columns)
    found = mutual_agreement(folders[3], folders[:3], ["a"])
    # Persons: 1/2, 1, 1/2. Cars: 1, 0, 0. Bikes are nowhere.
    assert found["IoU/person"] == pytest.approx(2 / 3) and found["IoU/car"] == pytest.approx(1 / 3)
    assert np.isnan(found["IoU/bike"]) and found["mIoU"] == pytest.approx(0.5)
    with pytest.raises(InputError, match="one lacks 1 maps \\(b\\)"):
        mutual_agreement(folders[3], folders[:3], ["a", "b"])
    # Where nobody finds anything, there is no figure and no warning.
    for name in ("one", "two"):
        write_image(tmp_path / name / "b.png", np.zeros((1, 4), np.uint8))
    write_image(tmp_path / "all" / "b.png", np.zeros((1, 4), np.uint8))
    assert np.isnan(mutual_agreement(folders_of("all")[0], folders_of("one", "two"), ["b"])["mIoU"])
    write_image(tmp_path / "two" / "b.png", np.zeros((2, 4), np.uint8))
    with pytest.raises(InputError, match="two/b is 4 x 2 pixels, expected 4 x 1 as .*all/b is"):
        mutual_agreement(folders_of("all")[0], folders_of("one", "two"), ["b"])
    with pytest.raises(InputError, match="at least two"):
        mutual_agreement(folders[3], folders[:1], ["a"])


@pytest.mark.parametrize("name", CONVENTIONS)
def test_conventions_name_classes_that_their_networks_have(name):
    convention = CONVENTIONS[name]
    numbers = [*convention.person, *convention.car, *convention.bike]
    assert len(set(numbers)) == len(numbers) and max(numbers) < min(convention.counts)


def test_class_names_of_data_sets():
    numbers = from_names(("background", "Car", "person", "bicycle", "bump"))
    assert numbers[:5].tolist() == [0, 2, 1, 3, 0] and numbers[255] == 255
    assert from_names(("Rider", "Van", "motorbike", "bus", "cyclist"))[:5].tolist() == [1, 2, 3, 2, 3]


def test_what_does_not_fit_is_refused(judge, write_segmenter, tmp_path):
    with pytest.raises(InputError, match="'late', which merges boxes"):
        judge_rows([judge()], Pairs(), {"late": Input("late", None, {})})
    with pytest.raises(InputError, match="scenes has label maps of the classes sky; .*--agreement"):
        judge().check_classes((), ("sky",), "scenes")
    with pytest.raises(InputError, match=r"has .*the outputs logits \[1, 19, \?, \?\]; expected a segmenter of voc"):
        judge(convention="voc")
    small = SegmentationJudge(write_segmenter(tmp_path / "small.onnx", 19, [PERSON, CAR, ROAD], (4, 6)))
    with pytest.raises(InputError, match="small.onnx fails on an input of 12 x 8 pixels: "):
        small.session.run(np.zeros((1, 3, 8, 12), np.float32))
    with pytest.raises(InputError, match="--judge has 2 files of the name 'small'"):
        judge_rows([judge(), small, small], Pairs(), ROWS)
    with pytest.raises(InputError, match="nowhere is not a folder"):
        AgreementMaps(Path("nowhere"))
