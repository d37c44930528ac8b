"""What every source keeps to: the keys, shapes and types of its samples, its names, and its bound on boxes."""

import pickle

import numpy as np
import pytest

from bilevel_jax.data.builders import builder_class
from bilevel_jax.data.builders.prepare import prepare
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.sources.cached import CachedSource
from bilevel_jax.data.sources.folder import FolderSource
from bilevel_jax.data.sources.mixed import MixedSource, Part
from bilevel_jax.data.sources.prepared import PreparedSource
from bilevel_jax.data.sources.source import Sample, Source
from bilevel_jax.data.sources.subset import Subset

SCENES = SceneSource(10, seed=5, height=48, width=64)
TYPES = {
    "ir": ((48, 64, 1), "uint8"),
    "vis": ((48, 64, 3), "uint8"),
    "saliency": ((48, 64, 1), "uint8"),
    "labels": ((48, 64), "int32"),
    "has_labels": ((), "bool"),
    "has_boxes": ((), "bool"),
    "index": ((), "int64"),
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """One of each kind."""
    root = tmp_path_factory.mktemp("folder")
    builder_class("folder").write_miniature(root / "pairs", SCENES)
    folder = FolderSource(root / "pairs")
    prepared = PreparedSource(prepare("folder", root / "pairs", root / "prepared"), "train")
    return {
        "scenes": SCENES,
        "folder": folder,
        "prepared": prepared,
        "cached": CachedSource(folder, 16),
        "mixed": MixedSource([Part("a", folder), Part("b", prepared, 0.5)]),
        "subset": Subset(folder, [7, 2, 4]),
    }


KINDS = ("scenes", "folder", "prepared", "cached", "mixed", "subset")


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_keeps_to_the_protocol(sources, kind):
    source = sources[kind]
    assert Source in type(source).__mro__
    assert len(source.names) == len(source) > 0 and source.class_names == ("person", "bicycle", "car")
    assert isinstance(source.label_names, tuple) and len(source.label_names) == 9
    assert source.groups is None or len(source.groups) == len(source)
    most = 0
    for place in (0, len(source) - 1):
        sample = source[place]
        assert list(sample) == [key for key in Sample.__annotations__ if key in Sample.__required_keys__]
        assert {key: (np.shape(sample[key]), np.asarray(sample[key]).dtype.name) for key in TYPES} == TYPES
        number = len(sample["boxes"])
        assert sample["boxes"].shape == (number, 4) and sample["boxes"].dtype == np.float32
        assert sample["classes"].shape == (number,) and sample["classes"].dtype == np.int32
        most = max(most, number)
    assert source.most_boxes() >= most
    with pytest.raises(IndexError):
        source[len(source)]
    source.check()


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_says_which_pairs_hold_which_classes(sources, kind, monkeypatch):
    source = sources[kind]
    expected = [[number in source[place]["classes"] for number in range(3)] for place in range(len(source))]
    if kind != "scenes":  # which are made, not read
        for module in ("folder.read_image", "prepared.decode_image"):
            monkeypatch.setattr(f"bilevel_jax.data.sources.{module}", None)  # no image may be decoded
    held = source.held_classes()
    assert held.dtype == bool and held.any() and not held.all()
    np.testing.assert_array_equal(held, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_travels_to_a_worker_process(sources, kind):
    source = sources[kind]
    copy = pickle.loads(pickle.dumps(source))
    assert list(copy.names) == list(source.names)
    for key, value in source[1].items():
        np.testing.assert_array_equal(copy[1][key], value, err_msg=key)


def test_a_subset_has_the_chosen_pairs_in_their_order(sources):
    folder, subset = sources["folder"], sources["subset"]
    assert subset.names == [folder.names[i] for i in (7, 2, 4)] and subset.groups == ["night", "day", "day"]
    assert [int(subset[i]["index"]) for i in range(3)] == [7, 2, 4]  # their places in the whole source
    assert len(Subset(SCENES, np.array([3]))) == 1 and Subset(subset, [2]).names == [folder.names[4]]


def test_a_source_without_files_counts_boxes_by_reading(sources):
    class Bare(Source):
        names, class_names, label_names, groups = ["a", "b"], ("person",), (), None

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return {**SCENES[0], "boxes": np.zeros((index + 3, 4), np.float32)}

    assert Bare().most_boxes() == 4 and Bare().check() == []
