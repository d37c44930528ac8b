"""Where a box is refused, clipped or left out, whatever format it came from.

YOLO text is checked by `clip_rounded_box`: its numbers are rounded, so a box may leave its image by one pixel. Boxes of
VOC, COCO and KAIST are checked by `clip_to_image`: annotators draw over the border, so a box may leave its image by a
quarter of the image's side.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32

from bilevel_jax.errors import InputError

# A box that leaves its image by more than this share of the image's side was made for another image.
FAR = 0.25
# A box of YOLO text may leave its image by this many pixels, since its numbers are rounded to a few decimals.
BORDER_TOLERANCE = 1.0

Box = tuple[float, float, float, float]  # y0, x0, y1, x1 in pixels


class Boxes(NamedTuple):
    """The boxes of one image.

    Fields:
        boxes: y0, x0, y1, x1 in pixels, inside the image.
        names: the class name of each box.
        notes: one sentence for each box that was left out.
    """

    boxes: Float32[np.ndarray, "n 4"]
    names: list[str]
    notes: list[str]


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


def clip_to_image(boxes: Sequence[Box], names: Sequence[str], height: int, width: int, where: str) -> Boxes:
    """Clips boxes to their image. A box without any area in the image is left out, with a note.

    Args:
        boxes: (y0, x0, y1, x1) in pixels.
        names: the class name of each box.
        height: of the image in pixels.
        width: of the image in pixels.
        where: names the file in messages.

    Raises:
        InputError: a number is not finite, or a box leaves the image by more than a quarter of its side.
    """
    kept, kept_names, notes = [], [], []
    for (y0, x0, y1, x1), name in zip(boxes, names, strict=True):
        if not all(map(math.isfinite, (y0, x0, y1, x1))):
            raise InputError(f"{where} has a box with a number that is not finite, expected pixels.")
        outside = max(-x0 / width, x1 / width - 1.0, -y0 / height, y1 / height - 1.0)
        if outside > FAR:
            raise InputError(
                f"{where} has a box from ({x0:.6g}, {y0:.6g}) to ({x1:.6g}, {y1:.6g}) pixels, expected it inside the "
                f"image of {width} x {height}."
            )
        clipped = (max(y0, 0.0), max(x0, 0.0), min(y1, float(height)), min(x1, float(width)))
        if clipped[2] > clipped[0] and clipped[3] > clipped[1]:
            kept.append(clipped)
            kept_names.append(name)
        else:
            notes.append(f"{where}: a {name} of {x1 - x0:.6g} x {y1 - y0:.6g} pixels in the image was left out")
    return Boxes(np.array(kept, np.float32).reshape(-1, 4), kept_names, notes)


def clip_rounded_box(cx: float, cy: float, w: float, h: float, height: int, width: int, where: str) -> Box | None:
    """Clips one box of YOLO text to its image.

    Args:
        cx, cy: the box's centre in pixels.
        w, h: its width and height in pixels.
        height: of the image in pixels.
        width: of the image in pixels.
        where: names the file and the line in messages.

    Returns:
        (y0, x0, y1, x1) in pixels, or None where the box lies wholly outside, which the tolerance allows for a small
        box at the border.

    Raises:
        InputError: the width or the height is not above 0, or the box leaves the image by more than one pixel.
    """
    if w <= 0 or h <= 0:
        raise InputError(f"{where} is a box of {w:.1f} x {h:.1f} pixels, expected a width and a height above 0.")
    y0, x0, y1, x1 = cy - h / 2, cx - w / 2, cy + h / 2, cx + w / 2
    outside = max(-y0, -x0, y1 - height, x1 - width)
    if outside > BORDER_TOLERANCE:
        raise InputError(
            f"{where} is a box from ({x0:.1f}, {y0:.1f}) to ({x1:.1f}, {y1:.1f}) pixels, expected it inside the "
            f"image of {width} x {height}."
        )
    y0, x0, y1, x1 = max(y0, 0.0), max(x0, 0.0), min(y1, float(height)), min(x1, float(width))
    return (y0, x0, y1, x1) if y1 > y0 and x1 > x0 else None


def check_class_number(label: int, num_classes: int, where: str) -> None:
    """Raises InputError where a box's class number is outside [0, num_classes); `where` names the file and the line."""
    if not 0 <= label < num_classes:
        raise InputError(f"{where} has class {label}, expected 0 to {num_classes - 1} (the lines of classes.txt).")


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
