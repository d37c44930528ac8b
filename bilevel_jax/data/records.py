"""How decoded files become one record of a source: one and three channels, one size, saliency where there is none."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bilevel_jax.data.annotations.text_files import IGNORE
from bilevel_jax.errors import InputError
from bilevel_jax.images.color import luma
from bilevel_jax.images.files import to_float
from bilevel_jax.images.saliency import infrared_saliency

# MSRS and MFNet number their frames and end them in D (day) or N (night).
_DAY_OR_NIGHT = re.compile(r"\d[DN]")


def make_record(
    ir: np.ndarray,
    vis: np.ndarray,
    saliency: np.ndarray,
    labels: np.ndarray | None,
    boxes: tuple[np.ndarray, np.ndarray] | None,
    index: int,
) -> dict[str, Any]:
    """A source's record (`FolderSource` describes it), read-only; None stands for an annotation that is not there."""
    record = {"ir": ir, "vis": three_channels(vis), "saliency": saliency}
    # A broadcast map takes no memory.
    record["labels"] = np.broadcast_to(np.int32(IGNORE), ir.shape[:2]) if labels is None else labels
    record["boxes"], record["classes"] = (
        (np.zeros((0, 4), np.float32), np.zeros(0, np.int32)) if boxes is None else boxes
    )
    for value in record.values():
        value.flags.writeable = False
    has = {"has_labels": np.bool_(labels is not None), "has_boxes": np.bool_(boxes is not None)}
    return {**record, **has, "index": np.int64(index)}


def one_channel(image: np.ndarray) -> np.ndarray:
    """[H, W, 1 or 3] to [H, W, 1] of the same type: the channel where all are equal, else the luminance."""
    if image.shape[-1] == 1:
        return image
    if np.array_equal(image[..., 0], image[..., 1]) and np.array_equal(image[..., 0], image[..., 2]):
        return image[..., :1]
    # In integers' own scale, rounded: uint16 counts stay counts.
    return np.rint(luma(image.astype(np.float32))).astype(image.dtype)


def three_channels(image: np.ndarray) -> np.ndarray:
    """[H, W, 1 or 3] to [H, W, 3]; a grey image is repeated."""
    return np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image


def computed_saliency(ir: np.ndarray, vis: np.ndarray, method: str) -> np.ndarray:
    """The saliency m x 255 as uint8 [H, W, 1], of an infrared [H, W, 1] and a visible image [H, W, 1 or 3]."""
    saliency = infrared_saliency(ir[..., 0], luma(to_float(three_channels(vis)))[..., 0], method)
    return np.rint(saliency * 255.0).astype(np.uint8)[..., None]


def given_saliency(mask: np.ndarray) -> np.ndarray:
    """A mask file's picture, [H, W, 1 or 3] of 8 or 16 bit, as uint8 [H, W, 1]."""
    mask = one_channel(mask)
    return mask if mask.dtype == np.uint8 else (mask >> 8).astype(np.uint8)


def check_size(path: str | Path, size: Sequence[int], other: str | Path, expected: Sequence[int]) -> None:
    """Raises InputError where (height, width) `size` of `path` is not `expected`, that of `other`."""
    if tuple(size) != tuple(expected):
        raise InputError(
            f"{path} is {size[1]} x {size[0]} pixels, expected {expected[1]} x {expected[0]} as {other} is."
        )


def day_or_night(names: Sequence[str]) -> list[str] | None:
    """ "day" or "night" for each name, by its last two letters (a digit, then D or N); None where one has neither."""
    if not all(_DAY_OR_NIGHT.fullmatch(name[-2:]) for name in names):
        return None
    return ["day" if name.endswith("D") else "night" for name in names]
