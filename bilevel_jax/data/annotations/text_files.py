"""The text files and label maps beside a folder's images: names, boxes, classes."""

import math
from pathlib import Path

import numpy as np

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import read_file, read_indices

IGNORE = 255
# Annotators round to a few decimals: a box may leave its image by this many pixels, and is clipped.
BORDER_TOLERANCE = 1.0


def is_there(path: Path) -> bool:
    """Whether there is anything of this name, a link that leads nowhere too: it is to be read, and to say why not."""
    return path.exists() or path.is_symlink()


def read_lines(path: Path) -> list[str]:
    """The lines of a text file without surrounding blanks, empty ones kept; InputError where it cannot be read."""
    try:
        return [line.strip() for line in read_file(path).decode("utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text ({error.reason} at byte {error.start}).") from error


def read_class_names(path: Path) -> tuple[str, ...]:
    """The names in `path`, line i for class i; InputError for an empty file, an empty line or a name given twice."""
    lines = read_lines(path)
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise InputError(f"{path} is empty, expected one class name a line.")
    for number, line in enumerate(lines, 1):
        if not line:
            raise InputError(f"{path}, line {number} is empty, expected the name of class {number - 1}.")
        if line in lines[: number - 1]:
            raise InputError(f"{path}, line {number} repeats the class name {line!r}, expected every name once.")
    return tuple(lines)


def read_boxes(path: Path, num_classes: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Reads YOLO text, a line an object: `class cx cy w h`, the last four in units of the image's width and height.

    Returns:
        boxes, float32 [n, 4]: y0, x0, y1, x1 in pixels, clipped to the image; and classes, int32 [n].

    Raises:
        InputError: a line that is not five numbers, a class outside [0, num_classes), a box without area, or a box that
            leaves the image by more than one pixel.
    """
    boxes, classes = [], []
    for number, line in enumerate(read_lines(path), 1):
        if not line:
            continue
        where = f"{path}, line {number}"
        label, values = _numbers(where, line)
        if not 0 <= label < num_classes:
            raise InputError(f"{where} has class {label}, expected 0 to {num_classes - 1} (the lines of classes.txt).")
        cx, cy, w, h = (value * side for value, side in zip(values, (width, height, width, height), strict=True))
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
        # Inside the tolerance a box may lie wholly beyond the border; nothing of it is in the picture.
        if y1 > y0 and x1 > x0:
            boxes.append((y0, x0, y1, x1))
            classes.append(label)
    return np.array(boxes, np.float32).reshape(-1, 4), np.array(classes, np.int32)


def read_labels(path: Path, label_names: tuple[str, ...], height: int, width: int) -> np.ndarray:
    """Reads a label map, int32 [H, W], 255 = ignore.

    Raises:
        InputError: it cannot be read, has another size than its pair, or (where names are known) holds a value that is
            neither a class nor 255.
    """
    labels = read_indices(path)
    if labels.shape != (height, width):
        raise InputError(
            f"{path} is {labels.shape[1]} x {labels.shape[0]} pixels, expected {width} x {height} as its pair is."
        )
    bad = labels[(labels < 0) | (labels >= (len(label_names) or IGNORE)) & (labels != IGNORE)]
    if bad.size:
        expected = f"0 to {len(label_names) - 1} (the lines of label_names.txt)" if label_names else "0 to 254"
        raise InputError(f"{path} holds the value {bad.max()} ({bad.size} pixels), expected {expected}, or 255.")
    return labels


def _numbers(where: str, line: str) -> tuple[int, list[float]]:
    fields = line.split()
    try:
        label, *values = int(fields[0]), *(float(field) for field in fields[1:])
    except ValueError:
        label, values = 0, []
    if len(values) != 4 or not all(map(math.isfinite, values)):
        shown = line if len(line) <= 60 else line[:57] + "..."
        raise InputError(f"{where} is {shown!r}, expected five numbers: class cx cy w h.")
    return label, values
