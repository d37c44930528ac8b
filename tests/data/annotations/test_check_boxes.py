"""Where boxes are refused, clipped or left out: just inside each rule and just beyond it."""

import numpy as np
import pytest

from bilevel_jax.data.annotations.check_boxes import (
    BORDER_TOLERANCE,
    FAR,
    check_class_number,
    class_numbers,
    clip_to_image,
    four_numbers,
)
from bilevel_jax.errors import InputError

HEIGHT, WIDTH = 40, 80


def test_a_box_over_the_border_is_clipped_and_one_far_outside_is_refused():
    near = FAR * WIDTH
    kept = clip_to_image([(0.0, -near, 10.0, 20.0)], ["car"], HEIGHT, WIDTH, "a.xml")
    assert kept.boxes.tolist() == [[0, 0, 10, 20]] and kept.names == ["car"]
    assert kept.notes == [("a.xml", "has 1 box(es) over the border, by up to 20.0 pixels, which were clipped")]
    for box in ((0.0, -near - 0.1, 10.0, 20.0), (0.0, 0.0, HEIGHT * (1 + FAR) + 0.1, 20.0)):
        with pytest.raises(InputError, match=r"a\.xml has a box from .* pixels, expected it inside the image"):
            clip_to_image([box], ["car"], HEIGHT, WIDTH, "a.xml")
    with pytest.raises(InputError, match=r"a\.xml has a box with a number that is not finite"):
        clip_to_image([(0.0, 0.0, float("nan"), 20.0)], ["car"], HEIGHT, WIDTH, "a.xml")


def test_a_box_without_area_in_the_image_is_left_out_with_a_note():
    found = clip_to_image([(1, 1, 5, 5), (3, 9, 3, 20)], ["person", "car"], HEIGHT, WIDTH, "a.xml")
    assert found.boxes.tolist() == [[1, 1, 5, 5]] and found.boxes.dtype == np.float32 and found.names == ["person"]
    assert found.notes == [("a.xml", "has a car of 11 x 0 pixels in the image, which was left out")]
    assert clip_to_image([], [], HEIGHT, WIDTH, "a.xml").boxes.shape == (0, 4)


def test_a_rounding_over_the_border_is_clipped_without_a_note():
    out = BORDER_TOLERANCE
    rounded = clip_to_image([(8, -out, 12, 9), (5, 70, 9, WIDTH + out)], ["car"] * 2, HEIGHT, WIDTH, "a.txt")
    assert rounded.boxes.tolist() == [[8, 0, 12, 9], [5, 70, 9, WIDTH]] and not rounded.notes
    more = clip_to_image([(8, -out - 0.1, 12, 9)], ["car"], HEIGHT, WIDTH, "a.txt")
    assert more.boxes.tolist() == [[8, 0, 12, 9]] and len(more.notes) == 1


def test_messages_say_which_box_it_is():
    boxes, places = [(1, 1, 5, 5), (1, 1, 5, 500)], ["a.txt, line 1", "a.txt, line 3"]
    with pytest.raises(InputError, match=r"^a\.txt, line 3 has a box from \(1, 1\) to \(500, 5\) pixels"):
        clip_to_image(boxes, ["car"] * 2, HEIGHT, WIDTH, "a.txt", places)


def test_classes():
    check_class_number(1, 2, "a.txt, line 3")
    for label in (-1, 2):
        with pytest.raises(InputError, match=rf"a\.txt, line 3 has class {label}, expected 0 to 1"):
            check_class_number(label, 2, "a.txt, line 3")
    assert class_numbers(["car", "person", "car"], ("person", "car"), "a.xml").tolist() == [1, 0, 1]
    with pytest.raises(InputError, match=r"a\.xml has the class 'dog', expected one of person, car"):
        class_numbers(["dog"], ("person", "car"), "a.xml")


@pytest.mark.parametrize("values", [(1, 2, 3), (1, 2, 3, 4, 5), ("a", 2, 3, 4), (None, 2, 3, 4), None, (10**400,) * 4])
def test_four_numbers(values):
    assert four_numbers(("1", 2, 3.5, "4e1"), "no.") == (1, 2, 3.5, 40)
    with pytest.raises(InputError, match=r"^there is no box\.$"):
        four_numbers(values, "there is no box.")
