"""Draws boxes with their names and scores over a picture, the names so that none covers another."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from PIL import Image, ImageDraw, ImageFont

from bilevel_jax.report.class_colors import box_color, is_dark


class Rectangle(NamedTuple):
    """A rectangle in pixels of a picture; its edges belong to it."""

    x0: float
    y0: float
    x1: float
    y1: float

    def meets(self, other: "Rectangle") -> bool:
        """Returns whether the two have a pixel in common."""
        return self.x0 <= other.x1 and other.x0 <= self.x1 and self.y0 <= other.y1 and other.y0 <= self.y1


class _Tag(NamedTuple):
    place: Rectangle
    text: str
    color: str


def draw_boxes(
    picture: Image.Image,
    boxes: Float[np.ndarray, "n 4"],
    classes: Int[np.ndarray, " n"],
    scores: Float[np.ndarray, " n"] | None,
    class_names: Sequence[str] = (),
    colors: Sequence[str] = (),
) -> None:
    """Draws boxes into a picture, in place. All frames come first, then all names over them.

    Args:
        picture: RGB.
        boxes: y0, x0, y1, x1 in pixels of the picture. Empty boxes and boxes that are not finite are left out.
        classes: class numbers; a negative one is padding and not drawn.
        scores: in [0, 1], written behind the names; None = none.
        class_names: a class without a name is written as its number.
        colors: "#RRGGBB" of each class; a class without one gets the colour of its number.
    """
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size=11)
    frame = Rectangle(0, 0, picture.width - 1, picture.height - 1)
    tags: list[_Tag] = []
    for i, (box, number) in enumerate(zip(boxes, classes, strict=True)):
        y0, x0, y1, x1 = box
        if number < 0 or not np.isfinite(box).all() or y1 <= y0 or x1 <= x0:
            continue
        color = colors[number] if number < len(colors) else box_color(int(number))
        if is_dark(color):
            pen.rectangle((x0 - 1, y0 - 1, x1 + 1, y1 + 1), outline="white")
        pen.rectangle((x0, y0, x1, y1), outline=color, width=2)
        text = class_names[number] if number < len(class_names) else str(number)
        text = text if scores is None else f"{text} {scores[i]:.2f}"
        _, _, right, bottom = pen.textbbox((0, 0), text, font=font)
        place = _place(Rectangle(x0, y0, x1, y1), right + 2, bottom + 2, frame, [tag.place for tag in tags])
        tags.append(_Tag(place, text, color))
    for place, text, color in tags:
        pen.rectangle(place, fill=color)
        pen.text((place.x0 + 1, place.y0), text, fill="white" if is_dark(color) else "black", font=font)


def _place(box: Rectangle, width: float, height: float, frame: Rectangle, taken: Sequence[Rectangle]) -> Rectangle:
    """Returns where a name goes: above its box, inside it, below it, or at the nearest free height; within the picture.

    Where the whole column is taken it goes over the others, above the box.
    """
    x = max(0, min(box.x0, frame.x1 - width))
    lowest = max(0, frame.y1 - height)
    tried = [y for y in (box.y0 - height - 1, box.y0, box.y1 + 1) if 0 <= y <= lowest] or [min(max(0, box.y0), lowest)]
    heights = sorted(np.arange(0, lowest + 1), key=lambda y: abs(y - tried[0]))
    for y in (*tried, *heights):
        place = Rectangle(x, y, x + width, y + height)
        if not any(place.meets(other) for other in taken):
            return place
    return Rectangle(x, tried[0], x + width, tried[0] + height)
