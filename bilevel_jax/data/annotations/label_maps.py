"""Label maps as class numbers, whether a file stores the numbers themselves or the data set's colours."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bilevel_jax.data.annotations.text_files import IGNORE
from bilevel_jax.data.records import one_channel
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import decode_image, decode_indices


def decode_labels(data: bytes, where: Path, num_classes: int, palette: Sequence[str] = ()) -> np.ndarray:
    """Reads a label map, int32 [H, W], 255 = ignore.

    A grey file holds class numbers (one saved as RGB too). A colour file holds the data set's colours. A file with a
    palette of its own is read by its colours where all that it uses are the data set's, else by its numbers.

    Args:
        data: the file's bytes.
        where: names it in messages.
        num_classes: classes are 0 ... num_classes - 1.
        palette: the data set's colours, hexadecimal RRGGBB, colour i for class i; () = it has none.

    Raises:
        InputError: the file is damaged, holds a number that is neither a class nor 255, or a colour that is not in the
            palette.
    """
    colors = np.array([int(color, 16) for color in palette], np.int64)
    try:
        with Image.open(io.BytesIO(data)) as image:
            mode = image.mode
            own = image.getpalette("RGB") if mode == "P" else None
    except Exception as error:
        raise InputError(f"{where} cannot be read as a label map ({error}).") from error
    if mode in ("RGB", "RGBA"):
        rgb = decode_image(data, where)
        grey = one_channel(rgb)[..., 0].astype(np.int32)
        if np.array_equal(rgb, np.repeat(grey[..., None], 3, axis=-1)) and grey.max() < num_classes:
            return grey
        if len(colors):
            return _by_color(_packed(rgb), colors, where)
    labels = decode_indices(data, where)
    if own and len(colors):
        table = _packed(np.array(own, np.uint8).reshape(-1, 3))
        used = np.unique(labels)
        if used.max() < len(table) and np.isin(table[used], colors).all():
            return _by_color(table[labels], colors, where)
    bad = labels[((labels < 0) | (labels >= num_classes)) & (labels != IGNORE)]
    if bad.size:
        raise InputError(
            f"{where} holds the value {bad.max()} ({bad.size} pixels), expected 0 to {num_classes - 1}, or 255."
        )
    return labels


def encode_labels(labels: np.ndarray) -> bytes:
    """A label map, int [H, W] of 0 ... 255, as a grey PNG file."""
    file = io.BytesIO()
    Image.fromarray(labels.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def _packed(rgb: np.ndarray) -> np.ndarray:
    if rgb.shape[-1] != 3:
        raise ValueError(f"the colours have shape {rgb.shape}, expected [..., 3]")
    red, green, blue = np.moveaxis(rgb.astype(np.int64), -1, 0)
    return red << 16 | green << 8 | blue


def _by_color(packed: np.ndarray, colors: np.ndarray, where: Path) -> np.ndarray:
    order = np.argsort(colors)
    place = np.searchsorted(colors[order], packed).clip(max=len(colors) - 1)
    known = colors[order][place] == packed
    if not known.all():
        values, counts = np.unique(packed[~known], return_counts=True)
        raise InputError(
            f"{where} holds the colour {values[counts.argmax()]:06X} ({counts.max()} pixels), expected one of "
            f"{', '.join(f'{color:06X}' for color in colors)}."
        )
    return order[place].astype(np.int32)
