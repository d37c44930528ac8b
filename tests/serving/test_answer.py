"""What the page answers: the fused picture and its measures, and one sentence for everything else."""

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.errors import InputError
from bilevel_jax.inference import TrivialFuser
from bilevel_jax.serving.page.answer import Wishes, answer, methods


def files(folder, height=40, width=48):
    random = np.random.default_rng(0)
    infrared, visible = (random.integers(0, 255, (height, width, *more), np.uint8) for more in ((), (3,)))
    Image.fromarray(infrared).save(folder / "ir.png")
    Image.fromarray(visible).save(folder / "vis.png")
    return infrared, visible


def test_two_files_are_fused_as_the_method_does(tmp_path):
    infrared, visible = files(tmp_path)
    found = answer(str(tmp_path / "ir.png"), str(tmp_path / "vis.png"), None, Wishes("max"))
    expected = TrivialFuser("max").fuse(infrared, visible)
    np.testing.assert_array_equal(found.fused, expected)
    np.testing.assert_array_equal(np.asarray(Image.open(found.file)), expected)
    assert found.file.name == "vis_fused.png"
    assert {"EN", "MI", "VIF"} <= {name for name, _, _ in found.measures}


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_side_by_side_file_is_fused_as_its_halves(tmp_path, side):
    infrared, visible = files(tmp_path)
    halves = [np.repeat(infrared[..., None], 3, axis=-1), visible]
    both = np.concatenate(halves if side == "left" else halves[::-1], axis=1)
    Image.fromarray(both).save(tmp_path / "both.png")
    found = answer(None, None, str(tmp_path / "both.png"), Wishes("max", infrared_side=side))
    np.testing.assert_array_equal(found.visible, visible)
    np.testing.assert_array_equal(found.infrared, halves[0])


def hostile(folder):
    files(folder)
    whole = (folder / "vis.png").read_bytes()
    contents = {
        "empty.png": b"",
        "half.png": whole[: len(whole) // 2],
        "text.png": b"not a picture" * 50,
        "page.jpg": b"<html><script>alert(1)</script></html>",
        "nothing.tif": b"II*\0\xff\xff\xff\xff",
        "table.csv": b"1,2\n3\n",
        "array.npy": b"\x93NUMPY\x01\x00\x10\x00{'descr': '|O'}",
        "huge.pgm": b"P5 60000 60000 255\n" + b"0" * 99,
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    Image.new("1", (20_000, 20_000)).save(folder / "bomb.png")
    return [*contents, "bomb.png"]


def test_hostile_files_get_one_sentence_that_names_them_without_their_folder(tmp_path):
    for name in hostile(tmp_path):
        for infrared, visible in ((name, "vis.png"), ("ir.png", name)):
            with pytest.raises(InputError) as caught:
                answer(str(tmp_path / infrared), str(tmp_path / visible), None, Wishes("max"))
            text = str(caught.value)
            assert name in text and str(tmp_path) not in text and "\n" not in text


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((None, "vis.png", None), "The infrared file is missing"),
        (("ir.png", None, None), "The visible file is missing"),
        (("ir.png", "vis.png", "vis.png"), "expected two files, or one of both pictures"),
        (("vis.png", "vis.png", None), "are the same picture"),
        (("ir.png", "small.png", None), "ir.png and small.png"),
        ((None, None, "odd.png"), "odd.png is 47 pixels wide"),
    ],
)
def test_files_that_do_not_fit_get_one_sentence(tmp_path, given, message):
    files(tmp_path)
    Image.new("L", (30, 30)).save(tmp_path / "small.png")
    Image.new("L", (47, 30)).save(tmp_path / "odd.png")
    paths = [name and str(tmp_path / name) for name in given]
    with pytest.raises(InputError, match=message):
        answer(*paths, Wishes("max"))


def test_the_default_network_comes_first():
    assert methods()[0] == "pretrained" and "heat_replace" in methods()
