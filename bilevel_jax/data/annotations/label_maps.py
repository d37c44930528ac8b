"""Label maps as class numbers, whether a file stores the numbers themselves or the data set's colours."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int, Int32, Int64, UInt8
from PIL import Image

from bilevel_jax.data.channels import one_channel
from bilevel_jax.data.pair_size import check_size
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import decode_image, decode_indices, read_indices

# The value of a pixel that is neither learnt nor counted.
IGNORE = 255


def read_labels(path: Path, label_names: Sequence[str], height: int, width: int) -> Int32[np.ndarray, "h w"]:
    """Reads a label map that stores class numbers, 255 = ignore.

    Args:
        path: the file.
        label_names: the classes; () = any number from 0 to 254 is one.
        height: of the pair's images in pixels.
        width: of the pair's images in pixels.

    Raises:
        InputError: the file cannot be read, has another size than its pair, or holds a value that is neither a class
            nor 255.
    """
    labels = read_indices(path)
    check_size(path, labels.shape, "its pair", (height, width))
    expected = f"0 to {len(label_names) - 1} (the lines of label_names.txt)" if label_names else "0 to 254"
    _check_values(labels, len(label_names) or IGNORE, path, expected)
    return labels


def decode_labels(
    data: bytes, where: str | Path, num_classes: int, palette: Sequence[str] = ()
) -> Int32[np.ndarray, "h w"]:
    """Reads a label map that stores class numbers or colours, 255 = ignore.

    A grey file holds class numbers, and so does one that was saved as RGB with equal channels. Another colour file
    holds the data set's colours. A file with a palette of its own is read by its colours if all colours that it uses
    are the data set's, and by its numbers otherwise.

    Args:
        data: the file's bytes.
        where: names the file in messages.
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
    _check_values(labels, num_classes, where, f"0 to {num_classes - 1}")
    return labels


def encode_labels(labels: Int[np.ndarray, "h w"]) -> bytes:
    """Encodes a label map with values 0 ... 255 as a grey PNG file."""
    file = io.BytesIO()
    Image.fromarray(labels.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def _check_values(labels: Int32[np.ndarray, "h w"], num_classes: int, where: str | Path, expected: str) -> None:
    bad = labels[((labels < 0) | (labels >= num_classes)) & (labels != IGNORE)]
    if bad.size:
        raise InputError(f"{where} holds the value {bad.max()} ({bad.size} pixels), expected {expected}, or 255.")


def _packed(rgb: UInt8[np.ndarray, "*h 3"]) -> Int64[np.ndarray, "*h"]:
    if rgb.shape[-1] != 3:
        raise ValueError(f"the colours have shape {rgb.shape}, expected [..., 3]")
    red, green, blue = np.moveaxis(rgb.astype(np.int64), -1, 0)
    return red << 16 | green << 8 | blue


def _by_color(
    packed: Int64[np.ndarray, "h w"], colors: Int64[np.ndarray, " n"], where: str | Path
) -> Int32[np.ndarray, "h w"]:
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
