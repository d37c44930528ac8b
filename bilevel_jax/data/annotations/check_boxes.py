"""Where a box is refused, clipped or left out, whatever format it came from.

Annotators draw over the border, so a box may leave its image by a quarter of the image's side. It is clipped then, and
a note says so. A box that leaves its image further was made for another image and is refused.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import FileNote

# A box that leaves its image by more than this share of the image's side was made for another image.
FAR = 0.25
# A box may leave its image by this many pixels without a note: numbers of files are rounded, or counted from 1.
BORDER_TOLERANCE = 1.0

Box = tuple[float, float, float, float]  # y0, x0, y1, x1 in pixels


class Boxes(NamedTuple):
    """The boxes of one image.

    Fields:
        boxes: y0, x0, y1, x1 in pixels, inside the image.
        names: the class name of each box.
        notes: which boxes were clipped or left out, and which numbers were not read.
    """

    boxes: Float32[np.ndarray, "n 4"]
    names: list[str]
    notes: list[FileNote]


def four_numbers(values: Iterable[str | float], message: str) -> Box:
    """Returns four values of a file as floats, in their order.

    Raises:
        InputError: there are not four, or one is not a number; its sentence is `message`.
    """
    try:
        a, b, c, d = (float(value) for value in values)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(message) from error
    return a, b, c, d


def clip_to_image(
    boxes: Sequence[Box],
    names: Sequence[str],
    height: int,
    width: int,
    where: str,
    places: Sequence[str] | None = None,
) -> Boxes:
    """Clips boxes to their image. A box without any area in the image is left out.

    Args:
        boxes: (y0, x0, y1, x1) in pixels.
        names: the class name of each box.
        height: of the image in pixels.
        width: of the image in pixels.
        where: names the file in messages and notes.
        places: what messages and notes call each box, such as "a.txt, line 3"; None = `where` for all.

    Returns:
        The boxes that have an area in the image. One note says how many boxes were clipped by more than a pixel, and
        one note names each box that was left out.

    Raises:
        InputError: a number is not finite, or a box leaves the image by more than a quarter of its side.
    """
    kept, kept_names, notes = [], [], []
    clipped_by: list[float] = []
    for (y0, x0, y1, x1), name, place in zip(boxes, names, places or [where] * len(boxes), strict=True):
        if not all(map(math.isfinite, (y0, x0, y1, x1))):
            raise InputError(f"{place} has a box with a number that is not finite, expected pixels.")
        outside = max(-x0 / width, x1 / width - 1.0, -y0 / height, y1 / height - 1.0)
        if outside > FAR:
            raise InputError(
                f"{place} has a box from ({x0:.6g}, {y0:.6g}) to ({x1:.6g}, {y1:.6g}) pixels, expected it inside the "
                f"image of {width} x {height}."
            )
        clipped = (max(y0, 0.0), max(x0, 0.0), min(y1, float(height)), min(x1, float(width)))
        if clipped[2] > clipped[0] and clipped[3] > clipped[1]:
            kept.append(clipped)
            kept_names.append(name)
            clipped_by.append(max(-x0, x1 - width, -y0, y1 - height))
        else:
            size = f"{x1 - x0:.6g} x {y1 - y0:.6g} pixels"
            notes.append(FileNote(place, f"has a {name} of {size} in the image, which was left out"))
    over = [pixels for pixels in clipped_by if pixels > BORDER_TOLERANCE]
    if over:
        text = f"has {len(over)} box(es) over the border, by up to {max(over):.1f} pixels, which were clipped"
        notes.insert(0, FileNote(where, text))
    return Boxes(np.array(kept, np.float32).reshape(-1, 4), kept_names, notes)


def check_class_number(label: int, num_classes: int, where: str) -> None:
    """Raises InputError where a box's class number is outside [0, num_classes); `where` names the file and the line."""
    if not 0 <= label < num_classes:
        raise InputError(
            f"{where} has class {label!s:.20}, expected 0 to {num_classes - 1} (the names in classes.txt or data.yaml)."
        )


def class_numbers(names: Sequence[str], class_names: Sequence[str], where: str) -> Int32[np.ndarray, " n"]:
    """Returns the place of each box's class name in `class_names`.

    Raises:
        InputError: a box has a name that is not in `class_names`; `where` names the file.
    """
    numbers = {name: number for number, name in enumerate(class_names)}
    for name in names:
        if name not in numbers:
            raise InputError(f"{where} has the class {name[:60]!r}, expected one of {', '.join(class_names)}.")
    return np.array([numbers[name] for name in names], np.int32)
