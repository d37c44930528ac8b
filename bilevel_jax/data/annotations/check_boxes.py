"""Boxes that leave their image: clipped where they were drawn a little over the border, refused where far."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bilevel_jax.errors import InputError

# A box that leaves its image by more than this share of the image's side was made for another image.
FAR = 0.25


class Boxes(NamedTuple):
    """The boxes of one image.

    Fields:
        boxes: float32 [n, 4], y0, x0, y1, x1 in pixels, inside the image.
        names: n class names.
        notes: one sentence for each box that was left out.
    """

    boxes: np.ndarray
    names: list[str]
    notes: list[str]


def clip_to_image(boxes: Sequence[Sequence[float]], names: Sequence[str], height: int, width: int, where: str) -> Boxes:
    """Clips boxes (y0, x0, y1, x1 in pixels) to the image; one of which no area is left is left out, with a note.

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
