"""Boxes of YOLO text files: one file an image, one line an object."""

import math
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int32

from bilevel_jax.data.annotations.check_boxes import check_class_number, clip_rounded_box
from bilevel_jax.data.annotations.text_lines import read_lines
from bilevel_jax.errors import InputError


def read_yolo(
    path: Path, num_classes: int, height: int, width: int
) -> tuple[Float32[np.ndarray, "n 4"], Int32[np.ndarray, " n"]]:
    """Reads the boxes of an image.

    A line is `class cx cy w h`: a whole number, then the centre and the size in units of the image's width and height.

    Args:
        path: the file; an empty one says that there is no object.
        num_classes: classes are 0 ... num_classes - 1.
        height: of the image in pixels.
        width: of the image in pixels.

    Returns:
        boxes (y0, x0, y1, x1 in pixels, clipped to the image) and their classes.

    Raises:
        InputError: a line is not five finite numbers, or its box is refused by `check_boxes`.
    """
    boxes, classes = [], []
    for number, line in enumerate(read_lines(path), 1):
        if not line:
            continue
        where = f"{path}, line {number}"
        label, (cx, cy, w, h) = _numbers(where, line)
        check_class_number(label, num_classes, where)
        box = clip_rounded_box(cx * width, cy * height, w * width, h * height, height, width, where)
        if box is not None:
            boxes.append(box)
            classes.append(label)
    return np.array(boxes, np.float32).reshape(-1, 4), np.array(classes, np.int32)


def _numbers(where: str, line: str) -> tuple[int, list[float]]:
    fields = line.split()
    try:
        label, values = int(fields[0]), [float(field) for field in fields[1:]]
    except ValueError:
        label, values = 0, []
    if len(values) != 4 or not all(map(math.isfinite, values)):
        shown = line if len(line) <= 60 else line[:57] + "..."
        raise InputError(f"{where} is {shown!r}, expected five numbers: class cx cy w h.")
    return label, values
