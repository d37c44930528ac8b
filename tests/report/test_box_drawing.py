"""Boxes over pictures: their names cover none another, and a class has one colour everywhere."""

import numpy as np
from PIL import Image

from bilevel_jax.report.box_drawing import Rectangle, _place, draw_boxes
from bilevel_jax.report.class_colors import box_colors, legend_colors
from bilevel_jax.report.picture_sheet import Cell, picture_sheet

FRAME = Rectangle(0, 0, 99, 79)


def test_names_of_crowded_boxes_do_not_meet_and_stay_in_the_picture():
    taken: list[Rectangle] = []
    rng = np.random.default_rng(0)
    for _ in range(12):
        x, y = rng.uniform(0, 20), rng.uniform(0, 60)
        place = _place(Rectangle(x, y, x + 30, y + 18), 40, 10, FRAME, taken)
        assert not any(place.meets(other) for other in taken)
        assert 0 <= place.x0 and place.x1 <= 99 and 0 <= place.y0 and place.y1 <= 79
        taken.append(place)
        if len(taken) == 6:
            break
    # The first goes above its box, a second on the same box inside it, a third below it.
    box, found = Rectangle(10, 30, 60, 60), []
    for _ in range(3):
        found.append(_place(box, 40, 10, FRAME, found))
    assert [place.y0 for place in found] == [19, 30, 61]


def test_a_later_box_does_not_cross_an_earlier_name():
    one = np.array([[30.0, 10, 60, 60]])
    both = np.concatenate([one, [[25.0, 5, 50, 90]]])  # its frame runs through the name of the first
    pictures = [Image.new("RGB", (100, 80)) for _ in range(2)]
    for picture, boxes in zip(pictures, (one, both), strict=True):
        draw_boxes(picture, boxes, np.arange(len(boxes)), None, ("person", "car"))
    name = tuple(slice(int(a), int(b)) for a, b in ((18, 27), (11, 40)))
    np.testing.assert_array_equal(*(np.asarray(picture)[name] for picture in pictures))


def test_a_class_has_one_colour_in_label_maps_boxes_and_legend(tmp_path):
    labels, boxes = ("unlabeled", "car", "person"), ("person", "bicycle", "car")
    colors, legend = box_colors(boxes, labels), legend_colors(boxes, labels)
    assert list(legend) == ["unlabeled", "car", "person", "bicycle"]
    assert colors == [legend[name] for name in boxes] and len(set(legend.values())) == 4
    grey = np.full((96, 192), 128, np.uint8)
    cell = Cell(grey, boxes=np.array([[30.0, 10, 80, 60]]), classes=np.array([1]))
    for name, cells in (("boxes", [cell]), ("none", [grey])):
        picture_sheet([cells], tmp_path / f"{name}.png", class_names=boxes, label_names=labels)
        sheet = np.asarray(Image.open(tmp_path / f"{name}.png"))
        cyan = (sheet == (0x00, 0xE5, 0xFF)).all(-1)
        assert cyan[-20:].any() == cyan[:-20].any() == (name == "boxes")  # in the legend where it is in the picture
