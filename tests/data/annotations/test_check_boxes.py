"""Where boxes are refused, clipped or left out: just inside each rule and just beyond it."""

import numpy as np
import pytest

from bilevel_jax.data.annotations.check_boxes import (
    BORDER_TOLERANCE,
    FAR,
    check_class_number,
    class_numbers,
    clip_rounded_box,
    clip_to_image,
    four_numbers,
)
from bilevel_jax.errors import InputError

HEIGHT, WIDTH = 40, 80


def test_a_box_over_the_border_is_clipped_and_one_far_outside_is_refused():
    near = FAR * WIDTH
    kept = clip_to_image([(0.0, -near, 10.0, 20.0)], ["car"], HEIGHT, WIDTH, "a.xml")
    assert kept.boxes.tolist() == [[0, 0, 10, 20]] and kept.names == ["car"] and not kept.notes
    for box in ((0.0, -near - 0.1, 10.0, 20.0), (0.0, 0.0, HEIGHT * (1 + FAR) + 0.1, 20.0)):
        with pytest.raises(InputError, match=r"a\.xml has a box from .* pixels, expected it inside the image"):
            clip_to_image([box], ["car"], HEIGHT, WIDTH, "a.xml")
    with pytest.raises(InputError, match=r"a\.xml has a box with a number that is not finite"):
        clip_to_image([(0.0, 0.0, float("nan"), 20.0)], ["car"], HEIGHT, WIDTH, "a.xml")


def test_a_box_without_area_in_the_image_is_left_out_with_a_note():
    found = clip_to_image([(1, 1, 5, 5), (3, 9, 3, 20)], ["person", "car"], HEIGHT, WIDTH, "a.xml")
    assert found.boxes.tolist() == [[1, 1, 5, 5]] and found.boxes.dtype == np.float32 and found.names == ["person"]
    assert found.notes == ["a.xml: a car of 11 x 0 pixels in the image was left out"]
    assert clip_to_image([], [], HEIGHT, WIDTH, "a.xml").boxes.shape == (0, 4)


def test_a_rounded_box_may_leave_its_image_by_a_pixel():
    out = BORDER_TOLERANCE
    assert clip_rounded_box(5 - out, 10, 10, 4, HEIGHT, WIDTH, "a.txt") == (8, 0, 12, 9)
    assert clip_rounded_box(-0.4, 10, 0.8, 4, HEIGHT, WIDTH, "a.txt") is None  # wholly outside, and within the pixel
    with pytest.raises(InputError, match=r"a\.txt is a box from \(-1\.1, 8\.0\) to \(8\.9, 12\.0\) pixels"):
        clip_rounded_box(5 - out - 0.1, 10, 10, 4, HEIGHT, WIDTH, "a.txt")
    for w, h in ((0.0, 4.0), (4.0, -1.0)):
        with pytest.raises(InputError, match=r"a\.txt is a box of .* pixels, expected a width and a height above 0"):
            clip_rounded_box(20, 20, w, h, HEIGHT, WIDTH, "a.txt")


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
