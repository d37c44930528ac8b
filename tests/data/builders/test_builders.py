"""Every data set in its own layout: what is read is what was written."""

import json
import os
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.data.builders import BUILDERS, builder_class, data_set_help, data_set_names, data_set_table
from bilevel_jax.data.builders.options import Options
from bilevel_jax.data.builders.prepare import prepare
from bilevel_jax.data.builders.summarize import summary_text
from bilevel_jax.data.sources.folder import FolderSource
from bilevel_jax.data.sources.prepared import PreparedSource
from bilevel_jax.data.sources.summary import read_summary
from bilevel_jax.errors import InputError
from bilevel_jax.training.config import CHOICES

LAYOUTS = (*BUILDERS, "m3fd_yolo")


@pytest.fixture(scope="module")
def made(download, tmp_path_factory):
    """layout -> (its prepared folder, the miniature that it was prepared from); made once each."""
    done = {}

    def make(layout):
        if layout not in done:
            top = tmp_path_factory.mktemp(layout)
            # As archives unpack: one folder too many.
            miniature = download(layout, top / "download" / "unpacked")
            done[layout] = prepare(layout.split("_")[0], top / "download", top / "out"), miniature
        return done[layout]

    return make


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_read_is_what_was_written(made, scenes, layout):
    root, miniature = made(layout)
    summary = read_summary(root)
    assert summary["rejected"] == []
    splits = miniature.splits
    if "" in splits:  # no published split
        assert set(summary["splits"]) == {"train", "test"}
        written = dict(splits[""])
        lists = {split: (root / f"{split}.txt").read_text().split() for split in summary["splits"]}
        assert sorted([*lists["train"], *lists["test"]]) == sorted(written)
        splits = {split: [(name, written[name]) for name in listed] for split, listed in lists.items()}
    for split, pairs in splits.items():
        source = PreparedSource(root, split)
        assert source.names == [name for name, _ in pairs]
        for place, (name, scene) in enumerate(pairs):
            sample, expected = source[place], scenes[scene]
            for key in ("ir", "vis"):
                assert sample[key].shape == expected[key].shape and sample[key].dtype == np.uint8
                off = np.abs(sample[key].astype(int) - expected[key])
                assert off.mean() < 4 if miniature.lossy else off.max() == 0, (name, key)
            labelled = miniature.label_map is not None
            labels = miniature.label_map(expected["labels"]) if labelled else np.full_like(expected["labels"], 255)
            assert bool(sample["has_labels"]) == labelled
            np.testing.assert_array_equal(sample["labels"], labels)
            assert_boxes(miniature, scene, sample, expected, source.class_names)
            assert sample["saliency"].shape == sample["ir"].shape and int(sample["index"]) == place


def assert_boxes(miniature, scene, sample, expected, class_names):
    if not miniature.box_names or scene in miniature.unboxed:
        assert not sample["has_boxes"] and len(sample["boxes"]) == 0
        return
    known = [
        (box, miniature.box_names[number])
        for box, number in zip(expected["boxes"], expected["classes"], strict=True)
        if miniature.box_names[number]
    ]
    assert sample["has_boxes"] and [class_names[c] for c in sample["classes"]] == [name for _, name in known]
    np.testing.assert_allclose(sample["boxes"], np.array([b for b, _ in known]).reshape(-1, 4), atol=1e-3)


@pytest.mark.parametrize("name", BUILDERS)
def test_a_builder_says_what_it_is(made, name):
    builder = builder_class(name)
    assert builder.name == name and builder.title and builder.layout and "/" in builder.layout
    assert builder.help and not builder.help.endswith(".") and "\n" not in builder.help
    assert f"  {name}: {builder.help}" in data_set_help() and f"| `{name}` |" in data_set_table()
    assert name in data_set_names() and name in CHOICES["data.name"]
    root, miniature = made(name)
    assert set(read_summary(root)["splits"]) == set(builder.split_names)  # a complete download has all its splits
    names = {box_name for box_name in miniature.box_names if box_name}
    assert names <= set(read_summary(root)["class_names"])


def test_help_texts_name_every_data_set():
    assert data_set_names() == ("scenes", *BUILDERS)
    assert [line.split(":")[0].strip() for line in data_set_help().splitlines()] == list(data_set_names())
    assert data_set_table().count("\n") == len(BUILDERS) + 2


def test_day_and_night(made):
    root, miniature = made("mfnet")
    day = PreparedSource(root, "test_day")
    assert day.names == [name for name, _ in miniature.splits["test"] if name.endswith("D")]
    assert set(day.groups) == {"day"}
    assert np.array_equal(day[0]["ir"], PreparedSource(root, "test")[0]["ir"])
    assert set(PreparedSource(made("kaist")[0], "train").groups) == {"night"}
    assert set(PreparedSource(made("kaist")[0], "test").groups) == {"day"}
    with pytest.raises(InputError, match=r"no split 'dev', expected one of train, train_day, train_night, val"):
        PreparedSource(root, "dev")


def test_the_summary_counts(made, scenes):
    summary = read_summary(made("msrs")[0])
    train = summary["splits"]["train"]
    assert (train["pairs"], train["with_labels"], train["with_boxes"]) == (7, 7, 4)
    assert train["groups"] == {"day": 4, "night": 3} and train["image_sizes"] == {"64 x 48": 7}
    counted = Counter(scenes.class_names[c] for i in (0, 2, 4, 6) for c in scenes[i]["classes"])
    assert train["boxes"] == {name: counted[name] for name in scenes.class_names}
    assert sum(train["box_sizes"]) == sum(counted.values())
    pixels = np.bincount(np.concatenate([scenes[i]["labels"].ravel() for i in range(7)]), minlength=9)
    assert list(train["pixels"].values()) == pixels.tolist()
    assert "train: 7 pairs, 4 day, 3 night (64 x 48)" in summary_text(summary)


def test_strays_are_noted(made):
    assert any("Thumbs.db" in note for note in read_summary(made("roadscene")[0])["notes"])
    assert sum("has a person?, which was left out" in note for note in read_summary(made("kaist")[0])["notes"]) == 10
    assert any("TarDAL's order" in note for note in read_summary(made("m3fd_yolo")[0])["notes"])


def test_a_source_travels_to_a_worker(made):
    source = PreparedSource(made("mfnet")[0], "train")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(source))[2]["vis"], source[2]["vis"])
    with pytest.raises(ValueError, match="read-only"):
        source[0]["ir"][0, 0] = 0


def test_ignored_labels(made):
    root = made("fmb")[0]
    labels = PreparedSource(root, "test", ignore_labels=("background",))[0]["labels"]
    whole = PreparedSource(root, "test")[0]["labels"]
    np.testing.assert_array_equal(labels, np.where(whole == 0, 255, whole))
    with pytest.raises(InputError, match=r"ignore_labels has 'sea', expected names of background, road"):
        PreparedSource(root, "test", ignore_labels=("sea",))


@pytest.mark.parametrize("folders", [("ir", "vi", "label"), ("THE", "RGB", "Label")])
def test_names_that_repositories_give_fmb(download, scenes, tmp_path, folders):
    download("fmb", tmp_path / "FMB")
    for split in ("train", "test"):
        for before, after in zip(("Infrared", "Visible", "Label"), folders, strict=True):
            (tmp_path / "FMB" / split / before).rename(tmp_path / "FMB" / split / after)
    source = PreparedSource(prepare("fmb", tmp_path / "FMB", tmp_path / "out"), "train")
    assert len(source) == 7 and len(source.label_names) == 15
    np.testing.assert_array_equal(source[3]["ir"], scenes[3]["ir"])


def test_colored_labels_are_the_index_labels(download, scenes, tmp_path):
    download("msrs_colored", tmp_path / "MSRS")
    source = PreparedSource(prepare("msrs", tmp_path / "MSRS", tmp_path / "out"), "train")
    for i in range(7):
        np.testing.assert_array_equal(source[i]["labels"], scenes[i]["labels"])


def test_coco_is_yolo(download, made, tmp_path):
    download("folder_coco", tmp_path / "coco")
    yolo, direct = PreparedSource(made("folder")[0], "val"), FolderSource(tmp_path / "coco", "val.txt")
    coco = PreparedSource(prepare("folder", tmp_path / "coco", tmp_path / "out"), "val")
    assert coco.class_names == yolo.class_names == direct.class_names == ("person", "bicycle", "car")
    direct.check()
    most = max(len(direct[i]["boxes"]) for i in range(3))
    assert most > 1 and coco.most_boxes() == yolo.most_boxes() == direct.most_boxes() == most
    for i in range(3):
        for key in ("boxes", "classes", "ir", "labels", "has_boxes"):
            np.testing.assert_allclose(coco[i][key], yolo[i][key], atol=1e-3)
            np.testing.assert_array_equal(coco[i][key], direct[i][key])


def test_an_order_of_classes_must_be_known(download, scenes, tmp_path):
    root = tmp_path / "M3FD"
    miniature = download("m3fd_yolo", root)
    (root / "meta").rename(root / "Main")
    with pytest.raises(InputError, match=r"numbers its classes, and M3FD's orders differ; expected .*classes\.txt, or"):
        prepare("m3fd", root, tmp_path / "out")
    order = ("people", "car", "bus", "lamp", "motor", "truck")
    by_option = PreparedSource(prepare("m3fd", root, tmp_path / "a", Options(classes=order)), "train")
    (root / "labels" / "classes.txt").write_text("\n".join(order))
    by_file = PreparedSource(prepare("m3fd", root, tmp_path / "b"), "train")
    for source in (by_option, by_file):
        assert_boxes(miniature, 1, source[1], scenes[1], source.class_names)


def test_stored_saliency_is_the_computed_one(download, scenes, tmp_path):
    download("tno", tmp_path / "TNO")
    read = PreparedSource(prepare("tno", tmp_path / "TNO", tmp_path / "a"))
    stored = PreparedSource(prepare("tno", tmp_path / "TNO", tmp_path / "b", Options(saliency="histogram")))
    spectral = PreparedSource(prepare("tno", tmp_path / "TNO", tmp_path / "c", Options(saliency="spectral")))
    masks = PreparedSource(
        prepare("tno", tmp_path / "TNO", tmp_path / "d", Options(saliency=str(tmp_path / "TNO" / "ir")))
    )
    for i in range(3):
        np.testing.assert_array_equal(stored[i]["saliency"], read[i]["saliency"])
        np.testing.assert_array_equal(masks[i]["saliency"], scenes[i]["ir"])
        on_the_fly = PreparedSource(tmp_path / "a", saliency="spectral")[i]["saliency"]
        np.testing.assert_array_equal(spectral[i]["saliency"], on_the_fly)
        assert np.any(spectral[i]["saliency"] != read[i]["saliency"])


def test_the_metadata_has_the_class_names(made):
    root = made("m3fd")[0]
    metadata = json.loads(next(root.glob("m3fd/*/metadata.json")).read_text())
    assert metadata["class_names"] == ["People", "Car", "Bus", "Lamp", "Motorcycle", "Truck"]


@pytest.mark.skipif("BILEVEL_JAX_TEST_DATA" not in os.environ, reason="BILEVEL_JAX_TEST_DATA (real pairs) is not set")
@pytest.mark.parametrize(
    ("dataset", "folder", "splits"),
    [
        ("folder", "msrs", {"train": 240, "val": 58}),
        ("folder", "llvip", {"train": 293, "val": 73}),
        ("roadscene", "roadscene", {"train": 84, "test": 20}),
        ("vifb", "vifb", {"test": 11}),
    ],
)
def test_real_pairs(dataset, folder, splits, tmp_path):
    root = Path(os.environ["BILEVEL_JAX_TEST_DATA"]) / folder
    out = prepare(dataset, root, tmp_path / "out")
    assert read_summary(out)["rejected"] == []
    for split, num in splits.items():
        source = PreparedSource(out, split)
        direct = FolderSource(root, source.names)
        assert len(source) == num and source.class_names == direct.class_names
        for i in (0, num // 2, num - 1):
            for key, value in direct[i].items():
                np.testing.assert_array_equal(source[i][key], value, err_msg=f"{source.names[i]} {key}")
