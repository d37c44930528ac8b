"""Search over rotations, scales and shifts, from which a transform is refined.

A refinement finds back only from a start that is a few pixels away. So many rotations and scales are tried on small
images, each with the correlation of edges over all shifts at once.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from bilevel_jax.registration.correlation import highest, whitened_correlation
from bilevel_jax.registration.working_pair import WorkingPair

SCALES = np.geomspace(0.74, 1.36, 14)
ANGLES = np.radians(np.linspace(-7.5, 7.5, 7))
REACH = 0.34  # largest shift, as a share of the image's sides
STARTS = 3  # how many of the best are returned


class Start(NamedTuple):
    """A start of the refinement.

    Fields:
        matrix: from visible to infrared pixels of the small images.
        height: of its correlation, in standard deviations (`correlation.Peak`).
    """

    matrix: Float64[np.ndarray, "3 3"]
    height: float


def search(pair: WorkingPair, turns: bool) -> list[Start]:
    """Returns the best shifts, rotations and scales that are no neighbours of each other, the best first.

    Args:
        pair: small images, of about 128 pixels.
        turns: whether rotations and scales are tried (`ANGLES`, `SCALES`); otherwise the best shift alone.
    """
    tried = [(row, column) for row in range(len(ANGLES)) for column in range(len(SCALES))] if turns else [(0, 0)]
    found = {}
    for row, column in tried:
        matrix = pair.start @ turned(pair.visible.shape, ANGLES[row], SCALES[column]) if turns else pair.start
        peak = highest(whitened_correlation(pair.visible_field, pair.moved_field(matrix)), REACH)
        found[row, column] = Start(matrix @ moved(*peak.shift), peak.height)
    chosen: list[tuple[int, int]] = []
    for row, column in sorted(found, key=lambda place: -found[place].height):
        if all(abs(row - r) > 1 or abs(column - c) > 2 for r, c in chosen):
            chosen.append((row, column))
    return [found[place] for place in chosen[:STARTS]]


def turned(size: tuple[int, ...], angle: float, scale: float) -> Float64[np.ndarray, "3 3"]:
    """Returns the matrix that turns (radians, from x to y) and scales about the middle of an image of this size."""
    y, x = (size[0] - 1) / 2, (size[1] - 1) / 2
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    return moved(x, y) @ linear @ moved(-x, -y)


def moved(x: float, y: float) -> Float64[np.ndarray, "3 3"]:
    """Returns the matrix that adds (x, y)."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])
