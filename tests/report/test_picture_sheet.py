"""Picture sheets, looked at pixel by pixel."""

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.errors import InputError
from bilevel_jax.report.class_colors import label_colors
from bilevel_jax.report.picture_sheet import Cell, draw_cell, picture_sheet


def _picture(seed=0, shape=(24, 32, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def _has(pixels, color):
    return (np.asarray(pixels) == color).all(-1)


def test_labels_have_msrs_colours():
    colors = label_colors(np.array([[0, 1, 2, 3, 8, 255]]))
    assert [bytes(c).hex() for c in colors[0]] == ["000000", "400080", "404000", "0080c0", "c04000", "c8c8c8"]


def test_a_small_picture_is_enlarged_by_a_whole_factor_and_a_wide_one_shrunk():
    assert draw_cell(_picture(shape=(24, 32, 3))).size == (192, 144)
    assert draw_cell(_picture(shape=(90, 100))).size == (200, 180)
    assert draw_cell(_picture(shape=(400, 1600, 1))).size == (576, 144)
    for empty in (None, Cell(None)):
        with pytest.raises(ValueError, match="empty cell"):
            draw_cell(empty)


def test_depths_look_the_same():
    eight = _picture(shape=(192, 192, 3))
    expected = np.asarray(draw_cell(eight))
    np.testing.assert_array_equal(expected, eight)
    np.testing.assert_array_equal(draw_cell(eight.astype(np.uint16) * 257), expected)
    np.testing.assert_array_equal(draw_cell(eight.astype(np.float32) / 255), expected)
    np.testing.assert_array_equal(draw_cell(np.full((192, 192), 2.0)), np.full((192, 192, 3), 255))  # clipped


def test_labels_are_blended_where_there_are_any():
    grey = np.full((192, 192), 100, np.uint8)
    labels = np.zeros((192, 192), int)
    labels[:, 64:] = 1
    labels[:, 128:] = 255
    pixels = np.asarray(draw_cell(Cell(grey, labels=labels), opacity=0.5))
    assert tuple(pixels[5, 5]) == tuple(pixels[5, 190]) == (100, 100, 100)
    assert tuple(pixels[5, 100]) == ((100 + 0x40) // 2, 50, (100 + 0x80) // 2)


def test_boxes_lie_where_they_belong():
    black = np.zeros((96, 96), np.uint8)
    box = np.array([[20.0, 10.0, 60.0, 40.0]])
    pixels = draw_cell(Cell(black, boxes=box, classes=np.array([0]), scores=np.array([0.5])), ("person",))
    outline = _has(pixels, (0xFF, 0xD4, 0x00))  # enlarged twice
    assert outline[100, 20] and outline[100, 80] and outline[40, 60] and outline[120, 60]
    assert not outline[100, 22:79].any() and not outline[:, 90:].any()
    assert outline[25:38, 20:40].any()  # its name stands above it
    nothing = draw_cell(Cell(black, boxes=box, classes=np.array([-1])))
    assert not np.asarray(nothing).any()  # padding is not drawn


def test_a_sheet_holds_every_cell(tmp_path):
    rows = [[_picture(i), _picture(i + 1), Cell(_picture(i + 2)), None, _picture(i + 3)] for i in (0, 10)]
    path = tmp_path / "sheets" / "1.png"
    picture_sheet(rows, path, row_names=["a", "b"], label_names=["unlabeled", "car"])
    sheet = np.asarray(Image.open(path))
    assert sheet.shape[1] == 5 * 192 + 6 * 4
    top = sheet.shape[0] - 20 - 2 * (144 + 20 + 4)
    for number, row in enumerate(rows):
        y = top + number * 168
        for column, cell in enumerate(row):
            x = 4 + column * 196
            shown = sheet[y : y + 144, x : x + 192]
            expected = np.full((144, 192, 3), 255) if cell is None else np.asarray(draw_cell(cell))
            np.testing.assert_array_equal(shown, expected)
    assert _has(sheet[-20:], (0x40, 0x00, 0x80)).any()  # the legend
    assert [p.name for p in path.parent.iterdir()] == ["1.png"]


def test_what_is_refused(tmp_path):
    with pytest.raises(InputError, match="no rows"):
        picture_sheet([], tmp_path / "a.png")
    with pytest.raises(InputError, match=r"\(4, 5, 2\)"):
        picture_sheet([[np.zeros((4, 5, 2))]], tmp_path / "a.png")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        picture_sheet([[_picture()]], tmp_path / "file" / "a.png")
    assert not (tmp_path / "a.png").exists()
