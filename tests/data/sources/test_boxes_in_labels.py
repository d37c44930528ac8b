"""A folder of pairs whose boxes lie in labels/, as Ultralytics has them, read directly and prepared."""

import numpy as np
import pytest

from bilevel_jax.data.builders import builder_class
from bilevel_jax.data.builders.prepare import prepare
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.sources.folder import FolderSource
from bilevel_jax.data.sources.prepared import PreparedSource
from bilevel_jax.data.sources.summary import read_summary
from bilevel_jax.errors import InputError

SCENES = SceneSource(10, seed=5, height=48, width=64)


@pytest.fixture
def root(tmp_path):
    """Ten pairs with labels/*.txt and data.yaml, and no other annotation."""
    folder = tmp_path / "pairs"
    builder_class("folder").write_miniature(folder, SCENES)
    for path in (folder / "labels").iterdir():
        path.unlink()
    (folder / "labels").rmdir()
    (folder / "boxes").rename(folder / "labels")
    (folder / "classes.txt").unlink()
    (folder / "label_names.txt").unlink()
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(SCENES.class_names))
    (folder / "data.yaml").write_text(f"path: /elsewhere\ntrain: vi\nval: vi\nnc: 3\nnames:\n{names}")
    return folder


def test_text_in_labels_is_boxes_with_a_note(root, tmp_path):
    direct = FolderSource(root, "train.txt")
    prepared = PreparedSource(prepare("folder", root, tmp_path / "out"), "train")
    assert direct.class_names == prepared.class_names == SCENES.class_names and direct.label_names == ()
    (note,) = direct.check()
    assert note.sentence() == f"{root / 'labels'} holds text files, which are read as boxes"
    assert note.sentence() in read_summary(tmp_path / "out")["notes"]
    assert not any("ignored" in note for note in read_summary(tmp_path / "out")["notes"])
    assert sum(len(direct[i]["boxes"]) for i in range(7)) > 5
    for i in range(7):
        for sample in (direct[i], prepared[i]):
            np.testing.assert_allclose(sample["boxes"], SCENES[i]["boxes"], atol=1e-3)
            np.testing.assert_array_equal(sample["classes"], SCENES[i]["classes"])
            assert not sample["has_labels"] and sample["has_boxes"]


def test_pairs_without_a_file_are_counted(root):
    (root / "labels" / "00002D.txt").unlink()
    source = FolderSource(root, "train.txt")
    assert source.check()[1].text == "has no file for 1 of 7 pairs, which count as not annotated (00002D)"
    assert [bool(source[i]["has_boxes"]) for i in (1, 2)] == [True, False]


def test_boxes_that_are_given_otherwise_come_first(root):
    labels = root / "labels"
    (root / "boxes").mkdir()
    (root / "boxes" / "00000D.txt").write_text("2 0.5 0.5 0.25 0.5\n")
    source = FolderSource(root, "train.txt")
    assert source[0]["classes"].tolist() == [2] and not source[1]["has_boxes"] and source.check() == []
    (root / "boxes" / "00000D.txt").unlink()
    (root / "boxes").rmdir()
    (labels / "classes.txt").write_text("a\nb\nc\n")
    (root / "data.yaml").unlink()
    assert FolderSource(root).class_names == ("a", "b", "c")  # labelling tools write it beside the boxes


def test_without_names_both_ways_say_what_is_missing(root, tmp_path):
    (root / "data.yaml").unlink()
    sentence = r"classes\.txt is missing, expected the names of the classes in the box files, .*Ultralytics' data\.yaml"
    with pytest.raises(InputError, match=sentence):
        FolderSource(root)
    with pytest.raises(InputError, match=sentence):
        prepare("folder", root, tmp_path / "out")


def test_notes_of_all_box_files_come_from_check(root):
    (root / "labels" / "00000D.txt").write_text("0 0.0625 0.5 0.25 0.5\n")
    (root / "labels" / "00001N.txt").write_text("0.0 0.5 0.5 0.25 0.5 0.9\n")
    first, clipped, sixth = FolderSource(root).check()
    assert "00000D.txt has 1 box(es) over the border" in clipped.sentence()
    assert "00001N.txt has a sixth number" in sixth.sentence()
