"""Reads the two files of a pair, with their levels scaled for the fuser."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, UInt

from bilevel_jax.images.files import read_image, scale_raw, scale_visible
from bilevel_jax.images.thermal import read_infrared
from bilevel_jax.inference.file_notes import FileNote


class ReadPair(NamedTuple):
    """Two images as `ImageFuser.fuse` takes them.

    Fields:
        infrared: uint8 or uint16 [H, W, 1 or 3].
        visible: uint8 or uint16 [h, w, 1 or 3]; whether the sizes agree is not checked.
        notes: what a user should know about how the two files were read.
        share: share of the fused picture in [0, 1], where the rest is the visible image; None = 1 everywhere. It is
            below 1 where a moved infrared image has no data.
    """

    infrared: UInt[np.ndarray, "H W c"]
    visible: UInt[np.ndarray, "h w d"]
    notes: tuple[FileNote, ...]
    share: Float32[np.ndarray, "h w"] | None = None


def read_pair(
    infrared: str | os.PathLike,
    visible: str | os.PathLike,
    infrared_range: tuple[float, float] | None = None,
    visible_range: tuple[float, float] | None = None,
) -> ReadPair:
    """Reads an infrared file of any kind (`images.thermal.read_infrared`) and a visible image.

    Args:
        infrared, visible: the files.
        infrared_range: (low, high) in the infrared file's own unit that become black and white. None = `scale_raw`
            decides for each image.
        visible_range: (low, high) levels of a 16 bit visible image that become black and white. None = `scale_visible`
            decides for each image.

    Raises:
        InputError: a file is missing, damaged or of a kind that is not read, or a low is not below its high.
    """
    ir = read_infrared(infrared)
    vis = scale_visible(read_image(visible), visible_range)
    notes = [FileNote(Path(path), note) for path, note in ((infrared, ir.note), (visible, vis.note)) if note]
    if infrared_range is not None and ir.samples.dtype == np.uint8:
        notes.append(FileNote(Path(infrared), "is a picture of 8 bits, for which --infrared_range has no meaning"))
    return ReadPair(scale_raw(ir.samples, infrared_range), vis.levels, tuple(notes))
