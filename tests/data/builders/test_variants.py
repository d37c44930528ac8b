"""Other forms of the data sets: flat folders, other annotation files, lists elsewhere, masks."""

import json

import numpy as np
import pytest

from bilevel_jax.data.builders import BUILDERS, builder_class
from bilevel_jax.data.builders.miniature import write_voc
from bilevel_jax.data.builders.prepare import prepare
from bilevel_jax.data.sources.folder import FolderSource
from bilevel_jax.data.sources.prepared import PreparedSource
from bilevel_jax.data.sources.summary import read_summary
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import write_image


def test_m3fd_with_lists_and_masks(download, tmp_path):
    download("m3fd", tmp_path / "M3FD")
    for i in range(10):
        write_image(tmp_path / "M3FD" / "Mask" / f"{i:05d}.png", np.full((48, 64, 1), 20 * i, np.uint8))
    (tmp_path / "M3FD" / "Main").mkdir()
    (tmp_path / "M3FD" / "Main" / "train.txt").write_text("00003\n00001\n00002\n")
    (tmp_path / "M3FD" / "Main" / "val.txt").write_text("00007\n")
    out = prepare("m3fd", tmp_path / "M3FD", tmp_path / "out")
    train = PreparedSource(out, "train")
    assert train.names == ["00003", "00001", "00002"]  # the list's order
    assert [int(train[i]["saliency"].max()) for i in range(3)] == [60, 20, 40]
    assert PreparedSource(out).names == ["00007"]  # val is the held-out split where there is no test
    assert any("6 pair(s) are in no list" in note for note in read_summary(out)["notes"])


def test_m3fd_makes_the_same_split_for_everyone(download, tmp_path):
    download("m3fd", tmp_path / "a")
    download("m3fd", tmp_path / "b")
    first, second = (prepare("m3fd", tmp_path / name, tmp_path / f"out_{name}") for name in "ab")
    for split, num in (("train", 8), ("test", 2)):
        names = (first / f"{split}.txt").read_text()
        assert names == (second / f"{split}.txt").read_text() and len(names.split()) == num


def test_kaist_flat_with_xml(scenes, tmp_path):
    root = tmp_path / "kaist"
    for i in range(6):
        name = f"set0{i}_V000_I00019"
        write_image(root / "lwir" / f"{name}_lwir.png", scenes[i]["ir"])
        write_image(root / "visible" / f"{name}_visible.png", scenes[i]["vis"])
        write_voc(root / "annotations-xml" / f"{name}.xml", scenes[i], ("person", "cyclist", "people"))
    out = prepare("kaist", root, tmp_path / "out")
    sources = [PreparedSource(out, split) for split in ("train", "test")]
    groups = {name: group for source in sources for name, group in zip(source.names, source.groups, strict=True)}
    assert groups == {f"set0{i}_V000_I00019": "day" if i < 3 else "night" for i in range(6)}
    assert sum(len(source[i]["boxes"]) for source in sources for i in range(len(source))) > 3


def test_kaist_without_lists_takes_every_20th_frame(scenes, tmp_path):
    for i in range(41):
        for camera, key in (("lwir", "ir"), ("visible", "vis")):
            path = tmp_path / "kaist" / "set06" / "V003" / camera / f"I{i:05d}.png"
            write_image(path, scenes[0][key] // 2 + np.uint8(i))
    source = PreparedSource(prepare("kaist", tmp_path / "kaist", tmp_path / "out"), "test")
    assert source.names == ["set06_V003_I00019", "set06_V003_I00039"] and source.class_names == ()


def test_roadscene_in_high_resolution_names_the_sizes(download, tmp_path):
    download("roadscene", tmp_path / "RoadScene")
    (tmp_path / "RoadScene" / "crop_LR_visible").rename(tmp_path / "RoadScene" / "other")
    with pytest.raises(InputError, match=r"none of the 8 pairs of train .* is 128 x 96 pixels, expected 64 x 48 as .*"):
        prepare("roadscene", tmp_path / "RoadScene", tmp_path / "out")


def test_pairs_of_detection_alone_are_a_split(download, scenes, tmp_path):
    download("msrs", tmp_path / "MSRS")
    for folder, key in (("ir", "ir"), ("vi", "vis")):
        write_image(tmp_path / "MSRS" / "detection" / folder / "00100N.png", scenes[3][key][::-1])
    (tmp_path / "MSRS" / "detection" / "labels" / "00100N.txt").write_text("2 0.5 0.5 0.25 0.5\n")
    (tmp_path / "MSRS" / "detection" / "labels" / "00200N.txt").write_text("2 0.5 0.5 0.25 0.5\n")
    out = prepare("msrs", tmp_path / "MSRS", tmp_path / "out")
    alone = PreparedSource(out, "detection")
    assert alone.names == ["00100N"] and alone[0]["boxes"].tolist() == [[12, 24, 36, 40]]
    assert alone.class_names == ("person", "bicycle", "car") and alone.label_names == ()
    assert [entry["name"] for entry in read_summary(out)["rejected"]] == ["00200N"]


def test_coco_of_a_folder_says_no_object_and_no_annotation(download, scenes, tmp_path):
    download("folder_coco", tmp_path / "pairs")
    path = tmp_path / "pairs" / "annotations" / "all.json"
    content = json.loads(path.read_text())
    first, second = content["images"][0]["id"], content["images"][1]
    content["annotations"] = [
        entry for entry in content["annotations"] if entry["image_id"] not in (first, second["id"])
    ]
    content["images"].remove(second)
    content["annotations"].append({"image_id": first, "category_id": 7, "bbox": [1, 1, 9, 9], "iscrowd": 1})
    path.write_text(json.dumps(content))
    for source in (
        FolderSource(tmp_path / "pairs", "train.txt"),
        PreparedSource(prepare("folder", tmp_path / "pairs", tmp_path / "out"), "train"),
    ):
        assert [bool(source[i]["has_boxes"]) for i in range(3)] == [True, False, True]
        assert len(source[0]["boxes"]) == 0 and len(source[2]["boxes"]) == len(scenes[2]["boxes"])
    assert any("has a crowd of person, which was left out" in note for note in read_summary(tmp_path / "out")["notes"])


@pytest.mark.parametrize("name", BUILDERS)
def test_a_folder_of_something_else_is_refused_with_the_layout(name, tmp_path):
    (tmp_path / "papers" / "2023").mkdir(parents=True)
    with pytest.raises(InputError, match=r"holds papers, expected .* as it was unpacked \(.*/"):
        builder_class(name)(source=tmp_path)
    with pytest.raises(InputError, match="none does not exist, expected the folder of"):
        builder_class(name)(source=tmp_path / "none")
