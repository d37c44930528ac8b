"""List files: what is read of them, what is refused, and that a written list is read back."""

import numpy as np
import pytest

from bilevel_jax.data.name_lists import read_list, write_list
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import write_image

NAMES = ("0001D", "0002D", "x.png")


@pytest.fixture
def root(tmp_path):
    for name in NAMES:
        write_image(tmp_path / "ir" / f"{name}.png", np.zeros((4, 4), np.uint8))
        write_image(tmp_path / "vi" / f"{name}.png", np.zeros((4, 4, 3), np.uint8))
    return tmp_path


def test_a_line_is_a_name_with_or_without_its_suffix(root, tmp_path):
    (root / "train.txt").write_text("\ufeff0002D\r\n\r\n 0001D.png\r\n", encoding="utf-8")
    assert read_list(root, "train.txt") == ["0002D", "0001D"]
    (tmp_path / "run").mkdir()
    (root / "train.txt").rename(tmp_path / "run" / "other.txt")
    assert read_list(root, tmp_path / "run" / "other.txt") == ["0002D", "0001D"]  # a list may lie elsewhere


def test_a_written_list_is_read_back(root):
    write_list(root / "lists" / "train.txt", NAMES[::-1])
    assert read_list(root, "lists/train.txt") == list(NAMES[::-1])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0001D\n0009D\n", r"train\.txt, line 2 names '0009D', expected an image of that name in .*ir\."),
        ("0001D\n0001D.png\n", r"train\.txt, line 2 repeats '0001D' of line 1"),
        ("\n", r"train\.txt is empty, expected one name a line"),
        (None, r"train\.txt does not exist; expected a file"),
    ],
)
def test_bad_list_files(root, text, sentence):
    if text is not None:
        (root / "train.txt").write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_list(root, "train.txt")
