"""Tables of pairs."""

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import write_image
from bilevel_jax.inference.pairing import read_pair_table


@pytest.fixture
def files(tmp_path):
    for name in ("one.png", "two.png", "three.png"):
        write_image(tmp_path / "images" / name, np.zeros((8, 8), np.uint8))
    return tmp_path


def test_a_table_with_and_without_names(files):
    table = files / "pairs.csv"
    table.write_text(
        "infrared,visible,name\nimages/one.png, images/two.png,street/day\nimages/one.png,images/three.png\n"
    )
    images = files / "images"
    assert read_pair_table(table).pairs == {
        "street/day": (images / "one.png", images / "two.png"),
        "three": (images / "one.png", images / "three.png"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "infrared;visible\nimages/one.png;images/two.png\n",
        "visible,infrared,name\nimages/two.png,images/one.png,two\n",
        "ir\tvis\r\nimages\\one.png\timages\\two.png\r\n",
        "\ufeffimages/one.png,images/two.png,two.PNG\n",
        "images/one.png,images/two.png\nimages/four.png,images/three.png\n",
    ],
)
def test_tables_as_programs_write_them(files, text):
    (files / "pairs.csv").write_text(text, newline="")
    pairs, alone = read_pair_table(files / "pairs.csv")
    assert pairs == {"two": (files / "images" / "one.png", files / "images" / "two.png")}
    assert alone == () or (len(alone) == 1 and "line 2: " in alone[0] and "four.png is no file" in alone[0])
    assert bool(alone) == ("four" in text)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "names no pair"),
        ("infrared,visible\n", "names no pair"),
        ("images/one.png\n", "line 1: images/one.png is no pair"),
        ("images/one.png,images/four.png\n", "line 1: .*four.png is no file"),
        ("images/one.png,images/one.png\n", "paired with itself"),
        ("images/one.png,images/two.png,../x\n", "leads out of --out"),
        ("images/one.png,images/two.png\nimages/three.png,images/two.png\n", "line 2: the name two is given twice"),
    ],
)
def test_bad_tables(files, text, message):
    (files / "pairs.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_pair_table(files / "pairs.csv")
