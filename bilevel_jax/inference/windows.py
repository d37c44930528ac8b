"""Windows of few shapes that cover an image of any size: a network is compiled once for each shape."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Shaped

BUCKET = 64  # pixels: sides of windows are multiples of this
# Sizes of images whose windows are used, smallest first. They are the sizes of common thermal cameras, and few: on a
# CPU compiling for one more shape takes as long as fusing about twenty images of 480x640.
CORES = ((128, 128), (256, 320), (384, 448), (512, 640), (768, 1024))
USUAL = ((384, 448), (512, 640))  # those that serve most sizes
RARE = 1.25  # as many times the pixels the usual ones may have before another one is compiled
# Windows, also upright, of networks that depend on the whole image.
WHOLE = ((256, 320), (384, 512), (512, 640), (768, 1024), (1024, 1280), (1088, 1920))
CALL = 20_000  # pixels that the network computes in the time that one call takes beside them


class Cover(NamedTuple):
    """Windows of one shape that cover an image, and the image mirrored about its borders beyond it.

    Attributes:
        rows, columns: the place in the image of each row and column that the windows see; mirrored at the borders.
        window: height and width of a window.
        margin: pixels at each side of a window that are not used, because pixels outside of the window change them.
    """

    rows: Int[np.ndarray, " n"]
    columns: Int[np.ndarray, " m"]
    window: tuple[int, int]
    margin: int

    def places(self) -> Iterator[tuple[int, int]]:
        """Gives the upper left corner of what each window contributes, in pixels of the image."""
        steps = [length - 2 * self.margin for length in self.window]
        for top in range(0, len(self.rows) - 2 * self.margin, steps[0]):
            for left in range(0, len(self.columns) - 2 * self.margin, steps[1]):
                yield top, left

    def cut(self, images: Shaped[np.ndarray, "b h w c"], top: int, left: int) -> Shaped[np.ndarray, "b h2 w2 c"]:
        """Returns the window of the images that contributes from (top, left) on."""
        rows = self.rows[top : top + self.window[0]]
        columns = self.columns[left : left + self.window[1]]
        return images[:, rows][:, :, columns]


def cover(height: int, width: int, radius: int, tile: int) -> Cover:
    """Returns the windows for an image: of the few shapes, the one whose windows have about the fewest pixels together.

    The windows depend on nothing but the arguments, so that an image gives the same result in any folder.

    Args:
        height, width: of the image, in pixels.
        radius: largest distance at which an input pixel changes an output pixel.
        tile: a window has at most tile x tile pixels; a multiple of 64, greater than twice the radius.
    """
    weights = {_window(core, radius): 1.0 if core in USUAL else RARE for core in CORES}
    shapes = [shape for shape in weights if math.prod(shape) <= tile**2] or [(tile, tile)]

    def counts(shape: tuple[int, int]) -> tuple[int, int]:
        return -(-height // (shape[0] - 2 * radius)), -(-width // (shape[1] - 2 * radius))

    def cost(shape: tuple[int, int]) -> float:
        return math.prod(counts(shape)) * (math.prod(shape) + CALL) * weights.get(shape, 1.0)

    window = min(shapes, key=cost)
    across = [
        mirrored(length, radius, count * (side - 2 * radius) - length + radius)
        for length, side, count in zip((height, width), window, counts(window), strict=True)
    ]
    return Cover(across[0], across[1], window, radius)


def whole(height: int, width: int, few: bool = False) -> Cover:
    """Returns one window that sees the whole image, mirrored at the bottom and at the right to multiples of 64.

    Args:
        height, width: of the image, in pixels.
        few: take the smallest of few shapes. The window then has pixels without meaning beyond the `padded_size`.
    """
    padded = window = padded_size(height, width)
    if few:
        shapes = {(max(core), min(core)) for core in WHOLE} | set(WHOLE)
        fitting = [shape for shape in shapes if shape[0] >= padded[0] and shape[1] >= padded[1]]
        window = min(fitting, key=lambda shape: (math.prod(shape), shape), default=padded)
    rows, columns = (
        np.pad(mirrored(length, 0, inside - length), (0, side - inside))
        for length, inside, side in zip((height, width), padded, window, strict=True)
    )
    return Cover(rows, columns, window, 0)


def padded_size(height: int, width: int) -> tuple[int, int]:
    """Returns the next multiples of 64 pixels."""
    return bucket(height), bucket(width)


def mirrored(length: int, before: int, after: int) -> Int[np.ndarray, " n"]:
    """Returns the places -before ... length + after - 1 of a row, mirrored about its first and its last pixel."""
    return np.pad(np.arange(length), (before, after), mode="reflect")


def _window(core: tuple[int, int], radius: int) -> tuple[int, int]:
    return bucket(core[0] + 2 * radius), bucket(core[1] + 2 * radius)


def bucket(length: int) -> int:
    """Returns the next multiple of 64 pixels."""
    return -(-length // BUCKET) * BUCKET
