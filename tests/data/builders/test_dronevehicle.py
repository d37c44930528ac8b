"""DroneVehicle: its frame, its rotated boxes, and what its annotators wrote."""

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.data.builders.dronevehicle import FRAME, NAMES, DroneVehicle
from bilevel_jax.data.builders.prepare import prepare
from bilevel_jax.data.sources.prepared import PreparedSource
from bilevel_jax.data.sources.summary import read_summary
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import write_image

LABELS = "train/trainlabelr/00000.xml"


@pytest.fixture
def root(scenes, tmp_path):
    DroneVehicle.write_miniature(tmp_path / "download", scenes)
    return tmp_path / "download"


def annotate(root, *objects, size=""):
    (root / LABELS).write_text(f"<annotation>{size}{''.join(objects)}</annotation>")


def polygon(name, *corners):
    points = "".join(f"<x{i}>{x}</x{i}><y{i}>{y}</y{i}>" for i, (x, y) in enumerate(corners, 1))
    return f"<object><name>{name}</name><polygon>{points}</polygon></object>"


def first(root, out):
    return PreparedSource(prepare("dronevehicle", root, out), "train")[0]


def test_rotated_boxes_become_upright_without_the_frame(root, tmp_path):
    annotate(
        root,
        polygon("truvk", (110, 120), (130, 110), (140, 125), (120, 135)),
        polygon("feright", (90, 110), (105, 110), (105, 120), (90, 120)),  # ten pixels of it are in the frame
        "<object><name>van</name><bndbox><xmin>110</xmin><ymin>105</ymin><xmax>120</xmax><ymax>115</ymax></bndbox></object>",
    )
    sample = first(root, tmp_path / "out")
    assert sample["ir"].shape == (48, 64, 1) and sample["vis"].shape == (48, 64, 3)
    assert sample["boxes"].tolist() == [[10, 10, 35, 40], [10, 0, 20, 5], [5, 10, 15, 20]]
    assert [NAMES[number] for number in sample["classes"]] == ["truck", "freight car", "van"]
    assert any("1 box(es) over the border, by up to 10.0" in note for note in read_summary(tmp_path / "out")["notes"])


def test_what_is_no_vehicle_and_no_box_is_left_out_with_a_note(root, tmp_path):
    annotate(
        root,
        polygon("*", (110, 120), (130, 110), (140, 125), (120, 135)),
        "<object><name>car</name><point><x>110</x><y>120</y></point></object>",
        polygon("bus", (92, 110), (99, 110), (99, 120), (92, 120)),  # it lies in the frame alone
    )
    sample = first(root, tmp_path / "out")
    assert sample["has_boxes"] and len(sample["boxes"]) == 0
    notes = [note for note in read_summary(tmp_path / "out")["notes"] if "00000.xml" in note]
    assert ["object 1 has the class '*'" in notes[0], "object 2 has no box" in notes[1], "a bus" in notes[2]] == [
        True
    ] * 3


def test_infrared_boxes_come_first_and_visible_ones_fill_up(root, tmp_path):
    (root / "train" / "trainlabel").mkdir()
    for name in ("00000", "00001"):
        text = f"<annotation>{polygon('bus', (110, 110), (120, 110), (120, 120), (110, 120))}</annotation>"
        (root / "train" / "trainlabel" / f"{name}.xml").write_text(text)
    (root / "train" / "trainlabelr" / "00001.xml").unlink()
    annotate(root)
    source = PreparedSource(prepare("dronevehicle", root, tmp_path / "out"), "train")
    assert len(source[0]["boxes"]) == 0 and source[1]["boxes"].tolist() == [[10, 10, 20, 20]]
    assert any("1 pair(s) have no boxes for the infrared" in note for note in read_summary(tmp_path / "out")["notes"])


def test_images_whose_frame_somebody_cut_off(root, tmp_path):
    for part in ("trainimg", "trainimgr"):
        path = root / "train" / part / "00000.jpg"
        with Image.open(path) as image:
            inner = np.asarray(image)[FRAME:-FRAME, FRAME:-FRAME]
        write_image(path, inner)
    box = polygon("car", (10, 20), (30, 20), (30, 30), (10, 30))
    annotate(root, box)
    assert first(root, tmp_path / "out")["boxes"].tolist() == [[20, 10, 30, 30]]
    # Its boxes may be those of the image with its frame: nobody can know, so the pair is refused.
    annotate(root, box, size="<size><width>264</width><height>248</height></size>")
    out = prepare("dronevehicle", root, tmp_path / "again")
    (rejected,) = read_summary(out)["rejected"]
    assert (
        rejected["name"] == "00000"
        and "the frame has been cut off its images; expected the images" in rejected["reason"]
    )


def test_a_bright_picture_is_no_frame(root, tmp_path):
    for part, shape in (("trainimg", (260, 280, 3)), ("trainimgr", (260, 280))):
        picture = np.full(shape, 255, np.uint8)
        picture[20:30, 50:250] = 90
        write_image(root / "train" / part / "00000.jpg", picture)
    annotate(root, polygon("car", (10, 20), (30, 20), (30, 30), (10, 30)))
    sample = first(root, tmp_path / "out")
    assert sample["ir"].shape == (260, 280, 1) and sample["boxes"].tolist() == [[20, 10, 30, 30]]


def test_damaged_corners_are_named(root, tmp_path):
    annotate(root, polygon("car", (110, 120), (130, "x"), (140, 125), (120, 135)))
    (rejected,) = read_summary(prepare("dronevehicle", root, tmp_path / "out"))["rejected"]
    assert "00000.xml, object 1 has a polygon without four corners, expected x1 y1 to x4 y4." in rejected["reason"]


def test_the_download_may_lack_the_upper_folders(root, tmp_path):
    assert DroneVehicle.is_root(root / "train") and not DroneVehicle.is_root(tmp_path)
    with pytest.raises(InputError, match="expected DroneVehicle as it was unpacked"):
        DroneVehicle(source=root / "train" / "trainimg")
