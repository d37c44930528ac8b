"""The part of an image that lies farther from its border than a local rule looks."""

from typing import NamedTuple

RIM = 32  # pixels


class Inside(NamedTuple):
    """Rows and columns of an image without its rim."""

    rows: slice
    columns: slice


def inside(height: int, width: int) -> Inside | None:
    """The pixels at least 32 pixels from the border; None where there are none."""
    if min(height, width) <= 2 * RIM:
        return None
    return Inside(slice(RIM, height - RIM), slice(RIM, width - RIM))
