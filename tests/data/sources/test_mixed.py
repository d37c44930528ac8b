"""Mixed data sets: shares by weight, epochs by part, classes by name, and what a part lacks is said."""

import os
from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.data.configured_batches import configured_batches
from bilevel_jax.data.mixed_sets import add_mixture, check_mix
from bilevel_jax.data.pipeline import training_batches
from bilevel_jax.data.sets import open_sets
from bilevel_jax.data.sources.cached import CachedSource
from bilevel_jax.data.sources.mixed import MixedSource, Part
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import write_image
from bilevel_jax.training.config import default_config

NAMES, LABELS = ("person", "bicycle", "car"), ("road", "sky")


class Plain(Source):
    """Records of 40 x 40 pixels, one box of each class and a label map with all labels."""

    groups = None

    def __init__(self, num, class_names=NAMES, label_names=LABELS, fill=0, boxes=0):
        self.class_names, self.label_names = tuple(class_names), tuple(label_names)
        self.names = [f"n{i}" for i in range(num)]
        self._fill, self._boxes = fill, boxes or len(self.class_names)

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        n, k = self._boxes, max(1, len(self.class_names))
        labels = np.arange(1600, dtype=np.int32).reshape(40, 40) % max(1, len(self.label_names))
        labels[-1] = 255
        return {
            "ir": np.full((40, 40, 1), self._fill, np.uint8),
            "vis": np.zeros((40, 40, 3), np.uint8),
            "saliency": np.zeros((40, 40, 1), np.uint8),
            "labels": labels,
            "boxes": np.tile(np.float32([4, 4, 30, 30]), (n, 1)),
            "classes": np.arange(n, dtype=np.int32) % k,
            "has_labels": np.bool_(bool(self.label_names)),
            "has_boxes": np.bool_(bool(self.class_names)),
            "index": np.int64(index),
        }


def stream(source, number, **options):
    options = {"batch_size": 8, "crop": (32, 32), "seed": 3, "num_threads": 0, "brightness": 0.0, **options}
    iterator = training_batches(source, range(len(source)), **options)
    return [next(iterator) for _ in range(number)]


def test_parts_come_by_weight_and_each_has_epochs_of_its_own():
    mixed = MixedSource([Part("a", Plain(9)), Part("b", Plain(5, fill=7), weight=0.5)])
    some = stream(mixed, 30)
    index = np.concatenate([batch["index"] for batch in some])
    second = index >= 9
    assert second.mean() == pytest.approx(1 / 3, abs=0.01)
    for batch in some:  # no batch is without either
        assert 2 <= (batch["index"] >= 9).sum() <= 4
        assert ((batch["ir"][:, 0, 0, 0] == 7) == (batch["index"] >= 9)).all()
    for part, size, start in ((index[~second], 9, 0), (index[second], 5, 9)):
        epochs = part[: len(part) // size * size].reshape(-1, size)
        assert (np.sort(epochs, axis=1) == start + np.arange(size)).all() and len({*map(tuple, epochs)}) > 5
    assert mixed.names[8:11] == ["n8", "b: n0", "b: n1"]


def test_the_main_part_sees_the_samples_that_it_would_see_alone():
    mixed = MixedSource([Part("a", Plain(9)), Part("b", Plain(5))])
    alone = np.concatenate([batch["index"] for batch in stream(Plain(9), 10)])
    together = np.concatenate([batch["index"] for batch in stream(mixed, 20)])
    np.testing.assert_array_equal(together[together < 9], alone)


def test_classes_are_matched_by_name():
    other = Plain(3, ("car", "person", "bicycle"), ("sky", "road"))
    mixed = MixedSource([Part("a", Plain(2)), Part("b", other)])
    assert mixed.class_names == NAMES and mixed.label_names == LABELS
    assert mixed[0]["classes"].tolist() == [0, 1, 2] and mixed[2]["classes"].tolist() == [2, 0, 1]
    same, swapped = mixed[0]["labels"], mixed[2]["labels"]
    assert swapped.dtype == np.int32 and (swapped[-1] == 255).all()
    np.testing.assert_array_equal(swapped[:-1], 1 - same[:-1])
    assert mixed[4]["index"] == 4
    with pytest.raises(IndexError):
        mixed[5]


def test_a_part_without_names_or_taken_for_its_images_says_what_it_lacks():
    unlabelled = Part("llvip", Plain(4, (), ()))
    images = Part("cars", Plain(4, ("car",), ("sky",)), labelled=False)
    mixed = MixedSource([Part("a", Plain(4)), unlabelled, images])
    assert mixed[0]["has_boxes"] and mixed[0]["has_labels"]
    for index in (4, 8):
        record = mixed[index]
        assert not record["has_boxes"] and not record["has_labels"]
        assert record["boxes"].shape == (0, 4) and record["classes"].shape == (0,) and (record["labels"] == 255).all()
    batch = stream(mixed, 1)[0]
    np.testing.assert_array_equal(batch["has_boxes"], batch["index"] < 4)
    assert (batch["classes"][~batch["has_boxes"]] == -1).all() and (batch["classes"][batch["has_boxes"]] >= 0).any()


def test_a_partial_part_says_which_classes_it_knows():
    partial = Part("p", Plain(3, ("car", "person")), partial=True)
    mixed = MixedSource([Part("a", Plain(4)), partial, Part("b", Plain(2), labelled=False)])
    assert mixed.class_names == NAMES
    assert mixed[0]["known_classes"].tolist() == [True, True, True]
    record = mixed[4]
    # Its classes 0 and 1, car and person, are 2 and 0 here; what it does not mark is unknown.
    assert record["has_boxes"] and record["classes"].tolist() == [2, 0]
    assert record["known_classes"].tolist() == [True, False, True]
    assert not mixed[7]["has_boxes"] and mixed[7]["known_classes"].shape == (3,)
    np.testing.assert_array_equal(mixed.held_classes()[[0, 4, 7]], [[1, 1, 1], [1, 0, 1], [0, 0, 0]])
    for batch in stream(mixed, 3, mosaic=0.5):
        assert batch["known_classes"].shape == (8, 3) and batch["known_classes"].dtype == bool
        own = (batch["index"] >= 4) & (batch["index"] < 7)
        assert own.any() and not own.all()
        np.testing.assert_array_equal(batch["known_classes"], np.where(own[:, None], [[True, False, True]], True))
        assert (np.isin(batch["classes"][own], (-1, 0, 2))).all() and (batch["classes"][own] >= 0).any()


def test_without_a_partial_part_no_sample_has_the_key():
    mixed = MixedSource([Part("a", Plain(4)), Part("b", Plain(2))])
    assert "known_classes" not in mixed[5] and "known_classes" not in stream(mixed, 1)[0]


@pytest.mark.parametrize(
    ("first", "other", "sentence"),
    [
        (
            NAMES,
            ("person", "bus"),
            r"of b, a 'partial' set of data\.mix, are person, bus; expected .* are person, bicy",
        ),
        (NAMES, (), r"of b, a 'partial' set of data\.mix, are none; expected some of those of a, which are person"),
        ((), ("person",), r"are person; expected some of those of a, which are none \(or 'images' in place of"),
    ],
)
def test_a_partial_part_has_some_of_the_first_part_s_classes(first, other, sentence):
    with pytest.raises(InputError, match=sentence):
        MixedSource([Part("a", Plain(2, first)), Part("b", Plain(2, other), partial=True)])


def test_label_maps_of_a_partial_part_need_the_same_classes():
    with pytest.raises(InputError, match="the label classes of b are road, sea; expected those of a"):
        MixedSource([Part("a", Plain(2)), Part("b", Plain(2, label_names=("road", "sea")), partial=True)])
    mixed = MixedSource([Part("a", Plain(2)), Part("b", Plain(2, ("car",), ("sky", "road")), partial=True)])
    assert mixed[2]["has_labels"] and (mixed[2]["labels"] != mixed[0]["labels"])[:-1].all()


def test_label_maps_alone_come_from_beside_a_set_of_boxes():
    scenes = Part("scenes", Plain(3, ("person", "bus"), ("sky", "road")), labels_alone=True)
    mixed = MixedSource([Part("a", Plain(4, NAMES, ())), scenes, Part("b", Plain(2, NAMES), labelled=False)])
    assert mixed.class_names == NAMES and mixed.label_names == ("sky", "road")
    assert [(bool(mixed[i]["has_boxes"]), bool(mixed[i]["has_labels"])) for i in (0, 4, 8)] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    record = mixed[4]
    assert record["boxes"].shape == (0, 4) and record["classes"].shape == (0,)
    np.testing.assert_array_equal(record["labels"], scenes.source[0]["labels"])
    assert (mixed[0]["labels"] == 255).all() and not mixed.held_classes()[4:].any()
    batch = stream(mixed, 1)[0]
    own = (batch["index"] >= 4) & (batch["index"] < 7)
    assert own.any()
    np.testing.assert_array_equal(batch["has_labels"], own)
    np.testing.assert_array_equal(batch["has_boxes"], batch["index"] < 4)
    assert ((batch["labels"] != 255).any(axis=(1, 2)) == own).all()


def test_label_maps_alone_are_matched_by_name_with_those_of_the_first_part():
    mixed = MixedSource([Part("a", Plain(2)), Part("b", Plain(2, (), ("sky", "road")), labels_alone=True)])
    assert mixed.label_names == LABELS and (mixed[2]["labels"] != mixed[0]["labels"])[:-1].all()
    other = Part("b", Plain(2, label_names=("road", "sea")), labels_alone=True)
    with pytest.raises(InputError, match="the label classes of b are road, sea; expected those of a"):
        MixedSource([Part("a", Plain(2)), other])
    with pytest.raises(InputError, match="the label classes of c are road, sky; expected those of b"):
        MixedSource([Part("a", Plain(2, NAMES, ())), other, Part("c", Plain(2))])
    with pytest.raises(InputError, match=r"b, a 'labels' set of data\.mix, has no label classes; expected label maps"):
        MixedSource([Part("a", Plain(2)), Part("b", Plain(2, label_names=()), labels_alone=True)])


def test_the_first_part_decides_on_the_classes():
    mixed = MixedSource([Part("a", Plain(2, ())), Part("b", Plain(2))])
    assert mixed.class_names == () and not mixed[2]["has_boxes"] and mixed[2]["has_labels"]


def test_room_for_boxes_is_that_of_the_fullest_part():
    mixed = MixedSource([Part("a", Plain(2)), Part("b", Plain(2, boxes=11)), Part("c", Plain(2, (), boxes=50))])
    assert stream(mixed, 1, max_boxes=4)[0]["boxes"].shape[1] == 12
    assert stream(mixed, 1, max_boxes=4, mosaic=0.5)[0]["boxes"].shape[1] == 44


@pytest.mark.parametrize(
    ("other", "weight", "sentence"),
    [
        (
            Plain(2, ("person",)),
            1.0,
            r"the box classes of b are person; expected those of a, in any order: person, bic",
        ),
        (Plain(2, ("person", "bicycle", "bus")), 1.0, r"the box classes of b are person, bicycle, bus; expected"),
        (Plain(2, label_names=("road", "sea")), 1.0, r"the label classes of b are road, sea; expected those of a"),
        (Plain(2), 0.0, r"the weight of b in the mixture is 0.0, expected above 0"),
    ],
)
def test_parts_that_do_not_agree_are_refused(other, weight, sentence):
    with pytest.raises(InputError, match=sentence):
        MixedSource([Part("a", Plain(2)), Part("b", other, weight)])


def test_a_list_without_items_of_a_part_is_refused():
    mixed = MixedSource([Part("a", Plain(2)), Part("b", Plain(2))])
    with pytest.raises(InputError, match="has none of b"):
        training_batches(mixed, [0, 1], batch_size=1, crop=(32, 32), seed=0)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder of four pairs with boxes and all three lists, and one of five pairs without anything."""
    labelled, bare = tmp_path_factory.mktemp("labelled"), tmp_path_factory.mktemp("bare")
    for root, names in ((labelled, "abcdef"), (bare, "uvxyz")):
        for name in names:
            write_image(root / "ir" / f"{name}.png", np.full((40, 40, 1), ord(name), np.uint8))
            write_image(root / "vi" / f"{name}.png", np.zeros((40, 40, 3), np.uint8))
    (labelled / "boxes").mkdir()
    for name in "abcdef":
        (labelled / "boxes" / f"{name}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (labelled / "classes.txt").write_text("person\n")
    (labelled / "train.txt").write_text("a\nb\nc\nd\n")
    (labelled / "val.txt").write_text("e\n")
    (labelled / "test.txt").write_text("f\n")
    return labelled, bare


def test_a_configuration_mixes_folders(folders):
    labelled, bare = folders
    config = default_config()
    config.data.name, config.data.root, config.data.block = "folder", str(labelled), 1
    config.data.mix = (("folder", str(bare), 0.5),)
    sets = add_mixture(config.data, open_sets(config.data, 0), 0)
    assert isinstance(sets.train, MixedSource) and len(sets.train) == 4 + 3 and sets.validation.names == ["e"]
    assert sorted([*sets.inner, *sets.outer]) == list(range(7))
    for part in (sets.inner, sets.outer):
        assert (part < 4).any() and (part >= 4).any()
    assert [bool(sets.train[i]["has_boxes"]) for i in range(7)] == [True] * 4 + [False] * 3
    assert all(isinstance(part.source, CachedSource) for part in sets.train.parts)
    seen = []
    sets.train.check(lambda done, total: seen.append((done, total)))
    assert seen == [(i, 7) for i in range(1, 8)]
    config.data.mix = ()
    assert len(add_mixture(config.data, open_sets(config.data, 0), 0).train) == 4


@pytest.mark.parametrize(
    "entry", ["folder", ("folder", "x"), ("folder", "x", 0.0), ("folder", "x", 1.0, "picture"), ("no_set", "x", 1.0)]
)
def test_entries_of_another_form_are_named(entry):
    entries = [("folder", "x", 2), ["scenes", "", 0.5, "images"], ("folder", "y", 1, "partial")]
    check_mix([*entries, ("scenes", "", 1.0, "labels")], ("folder", "scenes"))
    with pytest.raises(InputError, match=r"config\.data\.mix has .*expected \(name, root, weight above 0\)"):
        check_mix([entry], ("folder", "scenes"))


@pytest.mark.skipif("BILEVEL_JAX_TEST_DATA" not in os.environ, reason="BILEVEL_JAX_TEST_DATA names no folder of pairs")
def test_msrs_with_boxes_beside_llvip_without():
    root = Path(os.environ["BILEVEL_JAX_TEST_DATA"])
    config = default_config().data
    config.name, config.root, config.crop = "folder", str(root / "msrs"), (160, 160)
    config.mix = (("folder", str(root / "llvip_unlabelled"), 1 / 3), ("folder", str(root / "llvip"), 1 / 3, "images"))
    sets = add_mixture(config, open_sets(config, 0), 0)
    assert (
        sets.train.class_names == ("person", "bicycle", "car") and len(sets.train) == 192 + 247 + 235
    )  # without val and test of each
    batches = configured_batches(config, sets.train, sets.inner, batch_size=10, seed=0)
    for batch in (next(batches) for _ in range(4)):
        labelled = batch["index"] < 192
        assert 4 <= labelled.sum() <= 8
        np.testing.assert_array_equal(batch["has_boxes"], labelled)
        assert (batch["classes"][~labelled] == -1).all()
    config.mix = (("folder", str(root / "llvip"), 1.0),)
    with pytest.raises(InputError, match="the box classes of .*llvip are person; expected those of .*msrs.*'partial'"):
        add_mixture(config, open_sets(config, 0), 0)
    config.mix = (("folder", str(root / "llvip"), 1.0, "partial"),)
    batch = next(
        configured_batches(
            config, add_mixture(config, open_sets(config, 0), 0).train, range(400), batch_size=10, seed=0
        )
    )
    partial = batch["index"] >= 192
    assert batch["has_boxes"].all() and 4 <= partial.sum() <= 6
    np.testing.assert_array_equal(batch["known_classes"], ~partial[:, None] | [True, False, False])
    assert (batch["classes"][partial] <= 0).all() and (batch["classes"][partial] == 0).any()
