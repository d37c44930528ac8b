"""Pairs whose names differ by the camera's suffix, and folders in which one pair is bad."""

import unicodedata

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import write_image
from bilevel_jax.inference import TrivialFuser, fuse_files
from bilevel_jax.inference.folder import find_pairs


def _images(folder, *names):
    for level, name in enumerate(names):
        write_image(folder / name, np.full((16, 16), 40 + 10 * level, np.uint8))


@pytest.mark.parametrize(
    "infrared, visible",
    [("x_T.PNG", "x_V.PNG"), ("X_ir.png", "x_vi.png"), ("x_thermal.png", "x_rgb.png"), ("x_LWIR.png", "x.png")],
)
def test_suffixes_pair_two_folders(tmp_path, infrared, visible):
    _images(tmp_path / "ir", infrared)
    _images(tmp_path / "vi", visible)
    expected = {"x": (tmp_path / "ir" / infrared, tmp_path / "vi" / visible)}
    assert find_pairs(tmp_path / "ir", tmp_path / "vi") == expected


def test_composed_and_decomposed_accents_are_equal(tmp_path):
    _images(tmp_path / "ir", unicodedata.normalize("NFD", "é.png"))
    _images(tmp_path / "vi", unicodedata.normalize("NFC", "é.png"))
    assert len(find_pairs(tmp_path / "ir", tmp_path / "vi")) == 1


def test_one_folder_with_both_cameras(tmp_path):
    _images(tmp_path, "a_T.png", "a_V.png")
    assert find_pairs(tmp_path, tmp_path) == {"a": (tmp_path / "a_T.png", tmp_path / "a_V.png")}


def test_one_folder_without_suffixes_is_refused(tmp_path):
    _images(tmp_path, "a.png")
    with pytest.raises(InputError, match=r"a\.png does not say which camera"):
        find_pairs(tmp_path, tmp_path)


def test_swapped_folders_are_refused(tmp_path):
    _images(tmp_path / "ir", "a_V.png")
    _images(tmp_path / "vi", "a_T.png")
    with pytest.raises(InputError, match="swapped"):
        find_pairs(tmp_path / "ir", tmp_path / "vi")


def test_a_bad_pair_does_not_stop_the_folder(tmp_path):
    _images(tmp_path / "ir", "a.png", "b.png", "c.png", "d.png")
    _images(tmp_path / "vi", "d.png", "c.png", "b.png", "a.png")
    (tmp_path / "vi" / "b.png").write_bytes(b"damaged")
    (tmp_path / "vi" / "a.png").write_bytes((tmp_path / "ir" / "a.png").read_bytes())
    with pytest.raises(InputError, match=r"2 of 4 pairs.*a\.png are the same file.*b\.png"):
        fuse_files(TrivialFuser("average"), tmp_path / "ir", tmp_path / "vi", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["c.png", "d.png"]
