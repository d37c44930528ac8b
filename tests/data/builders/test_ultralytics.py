"""Ultralytics' layout in the forms that people give it for two cameras."""

import pytest

from bilevel_jax.data.builders import builder_class
from bilevel_jax.data.builders.miniature import write_pair, write_yolo
from bilevel_jax.data.builders.prepare import prepare
from bilevel_jax.data.sets import open_sets
from bilevel_jax.data.sources.prepared import PreparedSource
from bilevel_jax.data.sources.summary import read_summary
from bilevel_jax.errors import InputError
from bilevel_jax.training.config import default_config

NAMES = "names: [person, bicycle, car]\n"
# infrared, visible and labels of a split
FORMS = {
    "camera, split": ("infrared/{}", "visible/{}", "labels/{}"),
    "split, camera": ("{}/ir", "{}/vi", "{}/labels"),
    "images, camera, split": ("images/infrared/{}", "images/visible/{}", "labels/{}"),
    "images beside images_ir": ("images_ir/{}", "images/{}", "labels/{}"),
    "imagesIR": ("imagesIR/{}", "images/{}", "labels/{}"),
    "split, images": ("{}/images_ir", "{}/images", "{}/labels"),
    "a whole set for each camera": ("infrared/images/{}", "visible/images/{}", "infrared/labels/{}"),
    "labels of a camera": ("images/lwir/{}", "images/rgb/{}", "labels/lwir/{}"),
    "text beside the images": ("thermal/{}", "rgb/{}", "rgb/{}"),
}


def write(root, form, scenes, splits=("train", "val"), number=3):
    """Writes `number` scenes for each split."""
    for place, split in enumerate(splits):
        infrared, visible, labels = (root / part.format(split) for part in form)
        for i in range(place * number, (place + 1) * number):
            write_pair(scenes[i], infrared / f"{i}.png", visible / f"{i}.jpg")
            write_yolo(labels / f"{i}.txt", scenes[i])
    (root / "data.yaml").write_text(NAMES)


def names(root, splits=("train", "val")):
    return {split: PreparedSource(root, split).names for split in splits}


@pytest.mark.parametrize("form", FORMS)
def test_where_the_second_camera_may_lie(form, scenes, tmp_path):
    write(tmp_path / "set", FORMS[form], scenes)
    out = prepare("ultralytics", tmp_path / "set", tmp_path / "out")
    assert names(out) == {"train": ["0", "1", "2"], "val": ["3", "4", "5"]} and not read_summary(out)["rejected"]
    for split, first in (("train", 0), ("val", 3)):
        source = PreparedSource(out, split)
        assert source.class_names == ("person", "bicycle", "car")
        for i in range(3):
            assert (source[i]["ir"] == scenes[first + i]["ir"]).all()
            assert source[i]["classes"].tolist() == scenes[first + i]["classes"].tolist() and source[i]["has_boxes"]


def test_valid_is_val_and_data_yaml_may_call_any_folder_so(scenes, tmp_path):
    form = FORMS["images beside images_ir"]
    write(tmp_path / "a", form, scenes, ("train", "valid"))
    assert len(names(prepare("ultralytics", tmp_path / "a", tmp_path / "out_a"))["val"]) == 3
    write(tmp_path / "b", form, scenes, ("monday", "tuesday"))
    (tmp_path / "b" / "data.yaml").write_text(f"train: ../b/images/tuesday\nval: images\\monday\n{NAMES}")
    assert names(prepare("ultralytics", tmp_path / "b", tmp_path / "out_b")) == {
        "train": ["3", "4", "5"],
        "val": ["0", "1", "2"],
    }


def test_lists_divide_folders_without_splits(scenes, tmp_path):
    root = tmp_path / "set"
    write(root, ("ir", "vi", "labels"), scenes, ("",), number=10)
    found = names(prepare("ultralytics", root, tmp_path / "out"))
    assert sorted(found["train"] + found["val"]) == [str(i) for i in range(10)] and len(found["val"]) == 2
    (root / "data.yaml").write_text(f"train: lists/mine.txt\n{NAMES}")
    (root / "lists").mkdir()
    (root / "lists" / "mine.txt").write_text("./vi/4.jpg\nvi\\2.jpg\n7\n11\n")
    (root / "val.txt").write_text("images/5.jpg\n")
    out = prepare("ultralytics", root, tmp_path / "again")
    assert names(out) == {"train": ["4", "2", "7"], "val": ["5"]}
    assert [entry["name"] for entry in read_summary(out)["rejected"]] == ["11"]
    assert any("6 pair(s) are in no list" in note for note in read_summary(out)["notes"])


def test_labels_of_both_cameras_are_not_mixed(scenes, tmp_path):
    root = tmp_path / "set"
    write(root, ("infrared/images/{}", "visible/images/{}", "infrared/labels/{}"), scenes)
    (root / "visible" / "labels" / "train").mkdir(parents=True)
    (root / "visible" / "labels" / "train" / "0.txt").write_text("")
    (root / "infrared" / "labels" / "val" / "99.txt").write_text("")
    out = prepare("ultralytics", root, tmp_path / "out")
    assert len(PreparedSource(out, "train")[0]["boxes"]) == len(scenes[0]["boxes"]) > 0
    notes, (rejected,) = read_summary(out)["notes"], read_summary(out)["rejected"]
    assert any("visible/labels/train: boxes are not read from here, but from" in note for note in notes)
    assert rejected["split"] == "val" and rejected["name"] == "99"


def test_files_of_one_name_in_two_folders_of_a_split_keep_apart(scenes, tmp_path):
    root = tmp_path / "set"
    for town in ("north", "south"):
        write(root / town, ("ir/{}", "vi/{}", "labels/{}"), scenes)
        (root / town / "data.yaml").unlink()
    (root / "data.yaml").write_text(NAMES)
    with pytest.raises(InputError, match="val has the same files as"):  # they are the same scenes
        write(root / "south", ("ir/{}", "vi/{}", "labels/{}"), scenes, ("val", "train"))
        (root / "south" / "data.yaml").unlink()
        prepare("ultralytics", root, tmp_path / "out")
    found = builder_class("ultralytics")(source=root, data_dir=tmp_path).scan.splits
    assert {"north_0", "south_0"} <= {pair.name for pair in found["train"]}


def test_the_data_set_folder_says_which_one_reads_it(scenes, tmp_path):
    root = tmp_path / "set"
    write(root, ("ir/{}", "vi/{}", "labels/{}"), scenes)
    config = default_config().data
    config.name, config.root = "folder", str(root)
    sentence = r"set holds its pairs in folders by split, .* expected the data set ultralytics in place of folder"
    with pytest.raises(InputError, match=sentence):
        open_sets(config, seed=0)
    with pytest.raises(InputError, match=sentence):
        prepare("folder", root, tmp_path / "out")
    write(tmp_path / "top" / "set", ("{}/ir", "{}/vi", "{}/labels"), scenes)
    with pytest.raises(InputError, match=sentence):
        prepare("folder", tmp_path / "top", tmp_path / "out")
    config.name, config.prepared_dir, config.block = "ultralytics", str(tmp_path / "cache"), 1
    assert open_sets(config, seed=0).train.class_names == ("person", "bicycle", "car")
