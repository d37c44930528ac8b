"""Pairs that are smaller than the crop are named with their paths, from the sizes alone, before any batch."""

import numpy as np
import pytest

from bilevel_jax.data.builders.prepare import prepare
from bilevel_jax.data.check_crop import check_crop
from bilevel_jax.data.configured_batches import configured_batches
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.sources import folder as folder_module
from bilevel_jax.data.sources.cached import CachedSource
from bilevel_jax.data.sources.folder import FolderSource
from bilevel_jax.data.sources.mixed import MixedSource, Part
from bilevel_jax.data.sources.prepared import PreparedSource
from bilevel_jax.data.sources.subset import Subset
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import write_image
from bilevel_jax.training.config import default_config

SIZES = {"a": (96, 128), "b": (48, 64), "c": (96, 128), "d": (96, 64)}


@pytest.fixture
def root(tmp_path):
    rng = np.random.default_rng(0)
    for name, size in SIZES.items():
        write_image(tmp_path / "pairs" / "ir" / f"{name}.png", rng.integers(0, 256, size, np.uint8))
        write_image(tmp_path / "pairs" / "vi" / f"{name}.png", rng.integers(0, 256, (*size, 3), np.uint8))
    (tmp_path / "pairs" / "train.txt").write_text("a\nb\nc\nd\n")
    return tmp_path / "pairs"


def config(crop, **keys):
    data = default_config().data
    data.update({"crop": crop} | keys)
    return data


def test_the_sentence_has_paths_sizes_and_remedies(root, monkeypatch):
    source = CachedSource(FolderSource(root), 16)
    monkeypatch.setattr(folder_module, "read_image", None)  # no image may be decoded
    check_crop(config((48, 64)), source)
    with pytest.raises(InputError) as raised:
        check_crop(config((64, 64)), source)
    assert str(raised.value) == (
        f"{root / 'ir' / 'b.png'} is 64 x 48 pixels; expected at least the crop of 64 x 64 (width x height): leave "
        "them out of the list of training pairs, or set config.data.crop to at most (48, 64), or the second value of "
        "config.data.scale higher."
    )
    with pytest.raises(InputError, match=r"a\.png is .*b\.png is .*c\.png is .*, and 1 more pairs are too small; exp"):
        check_crop(config((128, 128)), source)
    check_crop(config((64, 64)), source, [0, 2, 3])  # only the pairs that are trained on count
    with pytest.raises(InputError, match=r"d\.png is 64 x 96 pixels"):
        check_crop(config((64, 96)), source, np.array([0, 3]))


def test_scale_and_mosaic_make_smaller_pairs_fit(root):
    source = FolderSource(root)
    check_crop(config((96, 128), scale=(0.5, 2.0)), source)
    with pytest.raises(InputError, match=r"b\.png is .* of 130 x 96 \(width x height\) when they are enlarged 2 times"):
        check_crop(config((96, 130), scale=(0.5, 2.0)), source)
    check_crop(config((64, 64), mosaic=1.0), source)  # the largest quadrant is 48 pixels wide
    with pytest.raises(InputError, match=r"b\.png"):
        check_crop(config((64, 64), mosaic=0.5), source)


def test_every_source_knows_sizes_and_places(root, tmp_path):
    plain = FolderSource(root)
    prepared = PreparedSource(prepare("folder", root, tmp_path / "out"), "train")
    scenes = SceneSource(3, height=48, width=64)
    mixed = MixedSource([Part("plain", plain), Part("scenes", scenes, labelled=False)])
    subset = Subset(plain, [3, 1])
    for source in (plain, prepared, CachedSource(plain, 1), mixed, subset, scenes, prepared.part([1], "val")):
        expected = [source[index]["ir"].shape[:2] for index in range(len(source))]
        np.testing.assert_array_equal(source.sizes(), expected)
    assert mixed.where(1) == str(root / "ir" / "b.png") and mixed.where(5) == scenes.names[1]
    assert subset.where(0) == str(root / "ir" / "d.png")
    assert prepared.where(1) == f"pair b of {tmp_path / 'out'}"


def test_sets_of_one_size_are_not_read_for_it(root, tmp_path, monkeypatch):
    (root / "train.txt").write_text("a\nc\n")
    prepared = PreparedSource(prepare("folder", root, tmp_path / "out"), "train")
    monkeypatch.setattr(PreparedSource, "_example", None)
    assert prepared.sizes().tolist() == [[96, 128]] * 2


def test_no_batch_is_made_of_pairs_that_are_too_small(root):
    with pytest.raises(InputError, match=r"ir/b\.png is 64 x 48 pixels"):
        configured_batches(config((64, 64)), FolderSource(root), [0, 1], batch_size=2, seed=0)
