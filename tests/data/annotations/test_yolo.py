"""YOLO text as people have it: each kind of line, what it becomes, and the note that says so."""

import pytest

from bilevel_jax.data.annotations.yolo import read_yolo
from bilevel_jax.errors import InputError

HEIGHT, WIDTH = 48, 64
NAMES = ("person", "car")


def read(tmp_path, text, names=NAMES):
    path = tmp_path / "a.txt"
    path.write_text(text)
    found = read_yolo(path, names, HEIGHT, WIDTH)
    return found.boxes.tolist(), found.names, [note.text for note in found.notes]


def test_a_box_over_the_border_is_clipped_with_a_note(tmp_path):
    boxes, names, notes = read(tmp_path, "1 0.0625 0.5 0.25 0.5\n0 1.0 1.0 0.25 0.25\n")
    assert boxes == [[12, 0, 36, 12], [42, 56, 48, 64]] and names == ["car", "person"]
    assert notes == ["has 2 box(es) over the border, by up to 8.0 pixels, which were clipped"]
    with pytest.raises(InputError, match=r"a\.txt, line 2 has a box from \(28, 12\) to \(84, 36\) pixels, expected it"):
        read(tmp_path, "1 0.5 0.5 0.25 0.5\n1 0.875 0.5 0.875 0.5\n")


def test_a_box_beside_the_image_is_left_out_with_a_note(tmp_path):
    boxes, _, notes = read(tmp_path, "0 1.125 0.5 0.125 0.5\n0 0.5 0.5 0.25 0.5\n")
    assert boxes == [[12, 24, 36, 40]] and len(notes) == 1 and "a person of 8 x 24 pixels" in notes[0]


def test_a_rounding_over_the_border_needs_no_note(tmp_path):
    boxes, _, notes = read(tmp_path, "0 0.49 0.5 1.0 1.0\n")
    assert boxes[0][:3] == [0, 0, 48] and not notes


@pytest.mark.parametrize("sixth", ["0.87", "3", "1"])
def test_a_sixth_number_is_left_out_with_a_note(tmp_path, sixth):
    boxes, _, notes = read(tmp_path, f"0 0.5 0.5 0.25 0.5 {sixth}\n1 0.5 0.5 0.25 0.5\n")
    assert boxes == [[12, 24, 36, 40]] * 2
    assert notes == ["has a sixth number in 1 line(s), a confidence or a track, which was left out"]


@pytest.mark.parametrize(
    "corners", [".25 .25 .75 .25 .75 .5", ".5 .25 .75 .375 .5 .5 .25 .375", ".25 .25 .75 .25 .75 .5 .25 .5 .3 .3"]
)
def test_a_polygon_becomes_the_box_around_it_with_a_note(tmp_path, corners):
    boxes, names, notes = read(tmp_path, f"1 {corners}\n")
    assert boxes == [[12, 16, 24, 48]] and names == ["car"]
    assert notes == ["has 1 polygon(s), which became the upright boxes around them"]


def test_a_polygon_over_the_border_is_clipped(tmp_path):
    boxes, _, notes = read(tmp_path, "0 -.125 .25 .75 .25 .75 .5\n")
    assert boxes == [[12, 0, 24, 48]] and len(notes) == 2 and "by up to 8.0 pixels" in notes[1]


@pytest.mark.parametrize(("number", "name"), [("1", "car"), ("1.0", "car"), ("0.0", "person"), ("1.000000e+00", "car")])
def test_a_class_may_be_written_as_a_fraction(tmp_path, number, name):
    assert read(tmp_path, f"{number} 0.5 0.5 0.25 0.5\n") == ([[12, 24, 36, 40]], [name], [])


def test_without_names_every_number_is_a_class(tmp_path):
    assert read(tmp_path, "7.0 0.5 0.5 0.25 0.5\n", None) == ([[12, 24, 36, 40]], ["7"], [])


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("0.5 .5 .5 .1 .1", r"line 1 is '0\.5 .*', expected five numbers \(class cx cy w h\) or a polygon \(class"),
        ("0 .5 .5 .1 .1 .9 .9 .9", "expected five numbers"),  # seven numbers are neither a box nor corners
        ("0 .5 .5", "expected five numbers"),
        ("0 .5 .5 .1 .1 nan", "expected five numbers"),
        ("2.0 .5 .5 .1 .1", "line 1 has class 2, expected 0 to 1"),
        ("-1 .5 .5 .1 .1", "line 1 has class -1, expected 0 to 1"),
        ("0 .5 .5 -.1 .1", r"line 1 is a box of -6\.4 x 4\.8 pixels, expected a width and a height above 0"),
        ("0 320 240 64 48", "line 1 has a box from .* pixels, expected it inside the image of 64 x 48"),
    ],
)
def test_what_is_no_box_is_one_sentence(tmp_path, line, sentence):
    with pytest.raises(InputError, match=sentence) as raised:
        read(tmp_path, line)
    assert str(raised.value).endswith(".") and "\n" not in str(raised.value)


def test_the_number_of_a_track_after_a_confidence_is_left_out(tmp_path):
    boxes, _, notes = read(tmp_path, "0 0.5 0.5 0.25 0.5 0.87 12\n")
    assert boxes == [[12, 24, 36, 40]] and "1 line(s)" in notes[0]
    with pytest.raises(InputError, match="line 1 is .* a box with a confidence and a track or a triangle"):
        read(tmp_path, "0 0.5 0.5 0.25 0.5 0.87 1\n")
