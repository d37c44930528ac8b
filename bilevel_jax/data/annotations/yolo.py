"""Boxes of YOLO text files: one file an image, one line an object."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bilevel_jax.data.annotations.check_boxes import Box, Boxes, check_class_number, clip_to_image
from bilevel_jax.data.annotations.text_lines import read_lines
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import FileNote

SIDES = 4  # numbers of a box: cx cy w h
CORNERS = 6  # numbers of the smallest polygon: x y of three corners


class _Line(NamedTuple):
    """What one line says: the class number, the box in pixels, and whether it was a polygon or had more numbers."""

    label: int
    box: Box
    is_polygon: bool = False
    has_sixth: bool = False


def read_yolo(path: Path, class_names: Sequence[str] | None, height: int, width: int) -> Boxes:
    """Reads the boxes of an image.

    A line is `class cx cy w h`: a whole number, then the centre and the size in units of the image's width and height.
    A sixth number, which is a confidence or the number of a track, is not read, nor is the number of a track after a
    confidence, a whole number above 1. A line `class x1 y1 x2 y2 x3 y3 ...` is
    a polygon (or a rotated box) and becomes the upright box around it.

    Args:
        path: the file; an empty one says that there is no object.
        class_names: the name of each class number; None = any number is a class and its own name.
        height: of the image in pixels.
        width: of the image in pixels.

    Returns:
        The boxes, clipped to the image. Notes say how many polygons there were and how many sixth numbers.

    Raises:
        InputError: a line is neither a box nor a polygon, or its box is refused by `check_boxes`.
    """
    boxes, names, places = [], [], []
    polygons = sixths = 0
    for number, text in enumerate(read_lines(path), 1):
        if not text:
            continue
        place = f"{path}, line {number}"
        line = _read_line(place, text, height, width)
        if class_names is not None:
            check_class_number(line.label, len(class_names), place)
        boxes.append(line.box)
        names.append(str(line.label) if class_names is None else class_names[line.label])
        places.append(place)
        polygons += line.is_polygon
        sixths += line.has_sixth
    found = clip_to_image(boxes, names, height, width, str(path), places)
    notes = []
    if polygons:
        notes.append(FileNote(path, f"has {polygons} polygon(s), which became the upright boxes around them"))
    if sixths:
        text = f"has a sixth number in {sixths} line(s), a confidence or a track, which was left out"
        notes.append(FileNote(path, text))
    return found._replace(notes=[*notes, *found.notes])


def _read_line(place: str, text: str, height: int, width: int) -> _Line:
    label, values = _numbers(text)
    if len(values) == CORNERS and (last := text.split()[-1]).isdigit():
        if int(last) <= 1:
            raise InputError(
                f"{place} is {text[:60]!r}, which is a box with a confidence and a track or a triangle; expected class "
                "cx cy w h, or the corners of a triangle with decimals."
            )
        values.pop()
    if len(values) in (SIDES, SIDES + 1):
        cx, cy, w, h = values[0] * width, values[1] * height, values[2] * width, values[3] * height
        if w <= 0 or h <= 0:
            raise InputError(f"{place} is a box of {w:.1f} x {h:.1f} pixels, expected a width and a height above 0.")
        return _Line(label, (cy - h / 2, cx - w / 2, cy + h / 2, cx + w / 2), has_sixth=len(values) > SIDES)
    if len(values) >= CORNERS and len(values) % 2 == 0:
        xs, ys = [x * width for x in values[::2]], [y * height for y in values[1::2]]
        return _Line(label, (min(ys), min(xs), max(ys), max(xs)), is_polygon=True)
    shown = text if len(text) <= 60 else text[:57] + "..."
    raise InputError(
        f"{place} is {shown!r}, expected five numbers (class cx cy w h) or a polygon (class, then x y of each corner)."
    )


def _numbers(text: str) -> tuple[int, list[float]]:
    """Returns the class number and the other numbers of a line; no numbers where one of them cannot be read."""
    first, *others = text.split()
    try:
        label, values = _whole_number(first), [float(field) for field in others]
    except (ValueError, OverflowError):
        return 0, []
    return (label, values) if all(map(math.isfinite, values)) else (0, [])


def _whole_number(field: str) -> int:
    """Reads a class number; tools that write arrays of floats write it as `0.0`."""
    try:
        return int(field)
    except ValueError:
        number = float(field)
    if not number.is_integer():
        raise ValueError(field)
    return int(number)
