"""Reads the two files of a pair, with their levels scaled for the fuser."""

import filecmp
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, UInt

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import note_on_range, read_visible, scale_raw
from bilevel_jax.images.files.file_notes import FileNote
from bilevel_jax.images.strips import luminance_of
from bilevel_jax.images.thermal import infrared_in_alpha, read_infrared
from bilevel_jax.inference.pairing import ALPHA

ALIKE = 0.995  # correlation of the brightness above which an infrared image seems to be made of the visible one
_COMPARED = 1 << 16  # pixels of which it is taken


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

    Where both show the same picture, the infrared image is the one in the alpha channel of the infrared file.

    Args:
        infrared, visible: the files.
        infrared_range: (low, high) in the infrared file's own unit that become black and white. None = `scale_raw`
            decides for each image.
        visible_range: (low, high) levels of a 16 bit visible image that become black and white. None = `scale_visible`
            decides for each image.

    Raises:
        InputError: a file is missing, damaged or of a kind that is not read, a low is not below its high, or both files
            show the same picture and the infrared one has no picture in its alpha channel.
    """
    infrared, visible = Path(infrared), Path(visible)
    samples, about_infrared = read_infrared(infrared)
    vis, about_visible = read_visible(visible, visible_range)
    ir = scale_raw(samples, infrared_range)
    if _is_same_picture(infrared, visible, ir, vis):
        alpha = infrared_in_alpha(infrared)
        if alpha is None:
            raise InputError(
                f"{infrared} and {visible} are the same picture; expected an infrared and a visible image, or {ALPHA}."
            )
        samples, ir = alpha, scale_raw(alpha, infrared_range)
        about_infrared = ("has its infrared image in the alpha channel, which is used",)
    elif _looks_alike(ir, vis):
        about_infrared = (*about_infrared, "looks like its visible image in grey: check that it is the infrared image")
    if infrared_range is not None:
        if samples.dtype == np.uint8:
            about_infrared = (*about_infrared, "is a picture of 8 bits, for which --infrared_range has no meaning")
        else:
            about_infrared = (*about_infrared, *note_on_range(samples, infrared_range, "infrared_range"))
    notes = [FileNote(infrared, text) for text in about_infrared] + [FileNote(visible, text) for text in about_visible]
    return ReadPair(ir, vis, tuple(notes))


def _is_same_picture(
    infrared: Path, visible: Path, ir: UInt[np.ndarray, "H W c"], vis: UInt[np.ndarray, "h w d"]
) -> bool:
    # Images of one level, such as two black frames, may be equal by chance.
    same = np.array_equal(ir, vis) and vis.min() != vis.max()
    return bool(same) or filecmp.cmp(infrared, visible, shallow=False)


def _looks_alike(ir: UInt[np.ndarray, "H W c"], vis: UInt[np.ndarray, "h w d"]) -> bool:
    if ir.shape[:2] != vis.shape[:2]:
        return False
    step = max(1, int((ir.shape[0] * ir.shape[1] / _COMPARED) ** 0.5))
    one, other = (luminance_of(image[::step, ::step]).ravel() for image in (ir, vis))
    if min(one.std(), other.std()) < 0.02:  # too little contrast to say
        return False
    return float(np.corrcoef(one, other)[0, 1]) > ALIKE
