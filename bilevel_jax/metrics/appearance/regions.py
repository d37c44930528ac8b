"""The pixels of boxes and of the rings around them."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

GROWTH = 0.25  # on each side, of the box's height and width: the ring is the box grown by half its size, less all boxes
LEAST_GROWTH = 2  # pixels


class Region(NamedTuple):
    """One box and its surroundings.

    Attributes:
        box: rows and columns of the box.
        window: rows and columns of the grown box.
        ring: of the window's pixels those that lie in no box.
    """

    box: tuple[slice, slice]
    window: tuple[slice, slice]
    ring: Bool[np.ndarray, "rows columns"]


def regions(boxes: Float[np.ndarray, "n 4"], height: int, width: int) -> Iterator[Region]:
    """The regions of all boxes that hold a pixel; `boxes` are y0, x0, y1, x1 in pixels."""
    found = [_pixels(box, height, width) for box in boxes]
    found = [(rows, columns) for rows, columns in found if rows.start < rows.stop and columns.start < columns.stop]
    free = np.ones((height, width), bool)
    for box in found:
        free[box] = False
    for rows, columns in found:
        window = (_grown(rows, height), _grown(columns, width))
        yield Region((rows, columns), window, free[window])


def _pixels(box: Float[np.ndarray, "4"], height: int, width: int) -> tuple[slice, slice]:
    y0, x0, y1, x1 = (int(np.floor(corner + 0.5)) for corner in box)
    return slice(max(y0, 0), min(y1, height)), slice(max(x0, 0), min(x1, width))


def _grown(pixels: slice, length: int) -> slice:
    by = max(LEAST_GROWTH, int(np.floor(GROWTH * (pixels.stop - pixels.start) + 0.5)))
    return slice(max(pixels.start - by, 0), min(pixels.stop + by, length))
