"""Visible images of fewer bits than their files: 8, 10 and 12 bits in 16."""

import io
import os
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt

from bilevel_jax.images.files.decoding import decode_image
from bilevel_jax.images.files.reading import read_file
from bilevel_jax.images.files.scaling import note_on_range, stretched
from bilevel_jax.images.files.several_pictures import note_on_pictures

# A finished picture has a bright pixel somewhere: its brightest reaches more than a sixteenth of the full range. One of
# 14 bits cannot be told from a dark picture, so it is only pointed at.
_BITS = (8, 10, 12)
_DOUBTFUL_BITS = 14


class VisibleImage(NamedTuple):
    """A visible image whose levels fill their range.

    Fields:
        levels: uint8 or uint16 with the image's shape.
        notes: what a user should know about how the file was read, sentences without a subject.
    """

    levels: UInt[np.ndarray, "h w c"]
    notes: tuple[str, ...] = ()


def read_visible(path: str | os.PathLike, visible_range: tuple[float, float] | None = None) -> VisibleImage:
    """Reads a visible image, with its levels scaled by `scale_visible`.

    Args:
        path: the file.
        visible_range: as `scale_visible` takes it.

    Raises:
        InputError: as `read_image` and `scale_visible`.
    """
    return decode_visible(read_file(path), path, visible_range)


def decode_visible(
    data: bytes, where: str | os.PathLike, visible_range: tuple[float, float] | None = None
) -> VisibleImage:
    """Does what `read_visible` does, from the bytes of a file; `where` names the file in messages."""
    levels, notes = scale_visible(decode_image(data, where), visible_range)
    return VisibleImage(levels, (*notes, *note_on_pictures(io.BytesIO(data))))


def scale_visible(image: UInt[np.ndarray, "h w c"], visible_range: tuple[float, float] | None = None) -> VisibleImage:
    """Scales a visible image of few bits to the full range of uint16, all channels alike, so that the colour stays.

    Without a range the brightest level decides: up to 255, 1,023 or 4,095 it is an image of 8, 10 or 12 bits, whose
    full range becomes that of 16 bits. A brighter image is returned as it is.

    Args:
        image: uint8 is returned as it is.
        visible_range: (low, high) in levels of the file: those that become 0 and 65535.

    Raises:
        InputError: low is not below high.
    """
    if image.dtype != np.uint16:
        return VisibleImage(image)
    if visible_range is not None:
        notes = note_on_range(image, visible_range, "visible_range")
        return VisibleImage(stretched(image, visible_range, "visible_range"), notes)
    white, note = visible_white(int(image.max(initial=0)))
    notes = (note,) if note else ()
    return VisibleImage(image if white is None else stretched(image, (0, white), "visible_range"), notes)


class VisibleWhite(NamedTuple):
    """Which level of a visible image of 16 bits is white.

    Fields:
        level: that level; None = 65535, so that the image stays as it is.
        note: what a user should know about it, a sentence without a subject; "" = nothing.
    """

    level: int | None
    note: str = ""


def visible_white(brightest: int) -> VisibleWhite:
    """Returns which level becomes white in a visible image, or a video, of 16 bits whose brightest level is given."""
    for bits in _BITS:
        if 0 < brightest < 1 << bits:
            white = (1 << bits) - 1
            return VisibleWhite(
                white,
                f"holds 16 bits of which at most {bits} are used: level {white} is taken as white; pass "
                "--visible_range=LOW,HIGH for other levels",
            )
    if 0 < brightest < 1 << _DOUBTFUL_BITS:
        return VisibleWhite(None, "is dark for 16 bits; if it has 14 bits, pass --visible_range=0,16383")
    return VisibleWhite(None)
