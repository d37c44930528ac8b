"""Pairs whose names differ by the camera's suffix, and folders in which one pair is bad."""

import unicodedata

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import write_image
from bilevel_jax.inference import TrivialFuser, fuse_files
from bilevel_jax.inference.pairing import FoundPairs, find_pairs, search_pairs


def _images(folder, *names):
    for level, name in enumerate(names):
        write_image(folder / name, np.full((16, 16), 40 + 10 * level, np.uint8))


@pytest.mark.parametrize(
    "infrared, visible",
    [
        ("x_T.PNG", "x_V.PNG"),
        ("X_ir.png", "x_vi.png"),
        ("x_thermal.png", "x_rgb.png"),
        ("x_LWIR.png", "x.png"),
        ("xThermal.png", "xRGB.png"),
        ("x-tir.png", "x eo.png"),
        ("x_PreviewData.png", "x_RGB.png"),
        ("x_lepton.png", "x_visual.png"),
        ("x_i.png", "x_v.png"),
    ],
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


def test_one_folder_where_one_camera_has_no_suffix(tmp_path):
    _images(tmp_path, "a_T.png", "a.png")
    assert find_pairs(tmp_path, tmp_path) == {"a": (tmp_path / "a_T.png", tmp_path / "a.png")}
    _images(tmp_path, "b.png")
    with pytest.raises(InputError, match=r"without a partner \(b\.png\)"):
        find_pairs(tmp_path, tmp_path)


def test_one_folder_with_one_camera_is_refused(tmp_path):
    _images(tmp_path, "a_T.png", "b_T.png")
    with pytest.raises(InputError, match="holds no visible image"):
        find_pairs(tmp_path, tmp_path)


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
    with pytest.raises(InputError, match=r"2 of 4 pairs.*\n.*a\.png are the same picture.*\n.*b\.png"):
        fuse_files(TrivialFuser("average"), tmp_path / "ir", tmp_path / "vi", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["c.png", "d.png"]


def test_numbers_with_other_padding(tmp_path):
    _images(tmp_path / "ir", "IR_1.png", "IR_02.png", "IR_10.png")
    _images(tmp_path / "vi", "vis0001.png", "vis0002.png", "vis0010.png")
    pairs = find_pairs(tmp_path / "ir", tmp_path / "vi")
    assert {name: ir.name for name, (ir, _) in pairs.items()} == {
        "0001": "IR_1.png",
        "0002": "IR_02.png",
        "0010": "IR_10.png",
    }


def test_equal_stems_win_over_looser_names(tmp_path):
    for folder in ("ir", "vi"):
        _images(tmp_path / folder, "1.png", "01.png", "A.png", "a.png", "x_T.png", "x.png")
    pairs = find_pairs(tmp_path / "ir", tmp_path / "vi")
    assert len(pairs) == 6 and all(ir.name == vis.name == f"{name}.png" for name, (ir, vis) in pairs.items())


def test_one_without_a_partner_is_named(tmp_path):
    _images(tmp_path / "ir", "a_T.png", "b_T.png")
    _images(tmp_path / "vi", "a_V.png")
    with pytest.raises(InputError, match=r"ir holds 1 image\(s\) without a partner \(b_T\.png\)"):
        find_pairs(tmp_path / "ir", tmp_path / "vi")


def test_swapped_folders_by_their_names(tmp_path):
    for folder in ("thermal", "rgb"):
        _images(tmp_path / folder, "a.png")
    with pytest.raises(InputError, match="swapped"):
        find_pairs(tmp_path / "rgb", tmp_path / "thermal")
    with pytest.raises(InputError, match="swapped"):
        find_pairs(tmp_path / "rgb" / "a.png", tmp_path / "thermal" / "a.png")


def test_two_trees_and_one_tree(tmp_path):
    for scene in ("s1", "s2"):
        _images(tmp_path / scene / "lwir", "1.png")
        _images(tmp_path / scene / "visible", "1.png")
    _images(tmp_path / "out" / "s1", "1.png")  # of an earlier call
    with pytest.raises(InputError, match="subfolders out, s1, s2.*--recursive"):
        find_pairs(tmp_path, tmp_path)
    pairs = find_pairs(tmp_path, tmp_path, recursive=True, without=tmp_path / "out")
    assert pairs["s2/1"] == (tmp_path / "s2" / "lwir" / "1.png", tmp_path / "s2" / "visible" / "1.png")
    assert list(pairs) == ["s1/1", "s2/1"]
    (tmp_path / "s1" / "lwir").rename(tmp_path / "s1" / "unknown")
    with pytest.raises(InputError, match="s1/unknown/1.png does not say"):
        find_pairs(tmp_path, tmp_path, recursive=True, without=tmp_path / "out")
    for camera in ("ir", "vi"):
        _images(tmp_path / "two" / camera / "a", "x.png")
    assert list(find_pairs(tmp_path / "two" / "ir", tmp_path / "two" / "vi", recursive=True)) == ["a/x"]


def test_patterns(tmp_path):
    _images(tmp_path, "a_T.png", "a_V.png", "notes.png")
    pairs = find_pairs(tmp_path / "*_T.png", tmp_path / "*_V.png")
    assert pairs == {"a": (tmp_path / "a_T.png", tmp_path / "a_V.png")}
    with pytest.raises(InputError, match="names no image"):
        find_pairs(tmp_path / "*_X.png", tmp_path / "*_V.png")


def test_one_file_given_twice_is_refused(tmp_path):
    _images(tmp_path, "a.png")
    with pytest.raises(InputError, match="alpha channel"):
        find_pairs(tmp_path / "a.png", tmp_path / "a.png")


def test_the_camera_in_the_middle_and_accents_in_one_folder(tmp_path):
    decomposed = unicodedata.normalize("NFD", "é_ir.png")
    _images(tmp_path, "x_ir_7.png", "x_vis_007.png", decomposed, "é_vis.png")
    pairs = find_pairs(tmp_path, tmp_path)
    assert sorted(pair[0].name for pair in pairs.values()) == sorted([decomposed, "x_ir_7.png"])
    assert all(("é" in vis.name) == (ir.name == decomposed) for ir, vis in pairs.values())


def test_two_images_in_one_file_are_refused_where_two_files_are_needed(tmp_path):
    Image.fromarray(np.full((16, 16, 4), 9, np.uint8)).save(tmp_path / "a.png")
    for path in (tmp_path, tmp_path / "a.png"):
        assert search_pairs(path, path).pairs == {"a": (tmp_path / "a.png", tmp_path / "a.png")}
        with pytest.raises(InputError, match=r"a\.png is given as infrared and as visible"):
            find_pairs(path, path)


@pytest.mark.parametrize(
    "infrared, visible, names",
    [
        (["7_ir.png", "10_ir.png"], ["Frame-007.png", "Frame-010.png"], None),
        (["frame7_ir.png", "frame10_ir.png"], ["Frame_007.png", "Frame_010.png"], ["Frame_007", "Frame_010"]),
        (["i0001.png", "i0002.png"], ["v0001.png", "v0002.png"], ["v0001", "v0002"]),
        (["0001i.png", "0002i.png"], ["0001v.png", "0002v.png"], ["0001", "0002"]),
    ],
)
def test_words_and_numbers_are_compared_last(tmp_path, infrared, visible, names):
    _images(tmp_path / "ir", *infrared)
    _images(tmp_path / "vi", *visible)
    if names is None:  # a word more is another name
        with pytest.raises(InputError, match="without a partner"):
            find_pairs(tmp_path / "ir", tmp_path / "vi")
    else:
        pairs = find_pairs(tmp_path / "ir", tmp_path / "vi")
        assert list(pairs) == names and [ir.name for ir, _ in pairs.values()] == infrared


def test_a_folder_may_say_its_camera_among_other_words(tmp_path):
    for folder in ("Thermal Images", "RGB Images", "day/ir_left", "day/vis_left", "RGB-T/lwir", "RGB-T/visible"):
        _images(tmp_path / folder, "1.png")
    pairs = find_pairs(tmp_path, tmp_path, recursive=True)
    assert {name: ir.parent.name for name, (ir, _) in pairs.items()} == {
        "1": "Thermal Images",
        "RGB-T/1": "lwir",
        "day/left/1": "ir_left",
    }
    with pytest.raises(InputError, match="swapped"):
        find_pairs(tmp_path / "RGB Images", tmp_path / "Thermal Images")


def test_files_without_a_partner_do_not_stop_the_others(tmp_path):
    _images(tmp_path / "ir", "a_T.png", "b_T.png")
    _images(tmp_path / "vi", "c_V.png", "a_V.png", "d_V.png")
    pairs, alone = search_pairs(tmp_path / "ir", tmp_path / "vi")
    assert list(pairs) == ["a"] and len(alone) == 2
    assert "ir holds 1 image(s) without a partner (b_T.png)" in alone[0]
    assert "vi holds 2 image(s) without a partner (c_V.png, d_V.png)" in alone[1]
    with pytest.raises(InputError, match=r"without a partner.*\n.*without a partner"):
        fuse_files(TrivialFuser("average"), tmp_path / "ir", tmp_path / "vi", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.png"]


def test_a_third_camera_in_one_folder_is_left_over(tmp_path):
    _images(tmp_path, "a_T.png", "a_V.png", "a_Z.png")
    pairs, alone = search_pairs(tmp_path, tmp_path)
    assert list(pairs) == ["a"] and "the name a_Z.png does not say which camera" in alone[0]


def test_tables_of_temperatures_in_trees_patterns_and_one_folder(tmp_path):
    _images(tmp_path / "tree" / "s1" / "rgb", "1.png")
    (tmp_path / "tree" / "s1" / "lwir").mkdir()
    table = tmp_path / "tree" / "s1" / "lwir" / "1.npy"
    np.save(table, np.eye(16))
    expected = FoundPairs({"s1/1": (table, tmp_path / "tree" / "s1" / "rgb" / "1.png")})
    assert search_pairs(tmp_path / "tree", tmp_path / "tree", recursive=True) == expected
    (tmp_path / "tree" / "s1" / "list.csv").write_text("name\n")  # says no camera
    assert search_pairs(tmp_path / "tree", tmp_path / "tree", recursive=True) == expected
    found = find_pairs(tmp_path / "tree" / "s1" / "lwir", tmp_path / "tree" / "s1" / "rgb", recursive=True)
    assert found["1"][0] == table
    _images(tmp_path / "one", "a_V.png")
    np.save(tmp_path / "one" / "a_T.npy", np.eye(16))
    pair = {"a": (tmp_path / "one" / "a_T.npy", tmp_path / "one" / "a_V.png")}
    assert find_pairs(tmp_path / "one", tmp_path / "one") == pair
    assert find_pairs(tmp_path / "one" / "*_T.*", tmp_path / "one" / "*_V.*") == pair


def test_a_broken_link_does_not_stop_the_others(tmp_path):
    _images(tmp_path / "ir", "a.png", "b.png")
    _images(tmp_path / "vi", "b.png")
    (tmp_path / "vi" / "a.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(InputError, match=r"1 of 2 pairs.*\n.*vi/a\.png does not exist"):
        fuse_files(TrivialFuser("average"), tmp_path / "ir", tmp_path / "vi", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.png"]
