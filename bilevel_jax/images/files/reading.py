"""Reading image files by their paths; what is wrong with a file is said with its path."""

import os
from pathlib import Path

import numpy as np
from jaxtyping import Int32, UInt

from bilevel_jax.errors import InputError
from bilevel_jax.images.files.decoding import decode_image, decode_indices, header_size, unreadable
from bilevel_jax.images.files.formats import IMAGE_SUFFIXES
from bilevel_jax.images.files.metadata import Metadata, decode_metadata


def read_image(path: str | os.PathLike, alpha: bool = False) -> UInt[np.ndarray, "h w c"]:
    """Reads an image as uint8 or uint16 with 1 or 3 channels; with `alpha`, 2 or 4 where the file has an alpha channel.

    Samples keep their values. A palette is expanded, and other colour models become RGB. The picture is turned upright
    where an orientation tag asks for it. Of an animation the first picture is read, and a note on stderr says so.

    Raises:
        InputError: the file is missing, unreadable or truncated, or its samples are not 8 or 16 bit.
    """
    return decode_image(read_file(path), path, alpha)


def has_alpha(path: str | os.PathLike) -> bool:
    """Returns whether a file is an image with an alpha channel, or with a palette that has one."""
    try:
        return read_image(path, alpha=True).shape[-1] in (2, 4)
    except InputError:
        return False


def read_indices(path: str | os.PathLike) -> Int32[np.ndarray, "h w"]:
    """Reads a label map: the stored numbers, which are the indices of a palette and not its colours; turned upright.

    Raises:
        InputError: the file is missing, unreadable or truncated, or has more than one channel.
    """
    return decode_indices(read_file(path), path)


def read_file(path: str | os.PathLike) -> bytes:
    """Returns the bytes of a file; raises InputError where it is missing, unreadable, or a folder or device."""
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is a folder or a device; expected a file.")  # a device may never end
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; expected a file.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error


def image_size(path: str | os.PathLike) -> tuple[int, int]:
    """Returns (height, width) of the upright picture from the file's header.

    Raises:
        InputError: the file is missing or no image.
    """
    path, start = Path(path), b""
    try:
        with path.open("rb") as file:
            start = file.read(16)
            file.seek(0)
            return header_size(file)
    except Exception as error:
        raise unreadable(path, error, start) from error


def read_metadata(path: str | os.PathLike) -> Metadata:
    """Reads what a file says about its picture: EXIF with the position, colour profile, XMP and TIFF tags.

    Raises:
        InputError: the file is missing or unreadable.
    """
    return decode_metadata(read_file(path))


def read_pair_metadata(infrared: str | os.PathLike, visible: str | os.PathLike) -> Metadata:
    """Reads what the fused image of a pair says about itself.

    It is what the visible file says. The position (GPS) is the infrared file's where the visible file has none. A table
    of temperatures (.npy, .csv) has none.

    Raises:
        InputError: a file is missing or unreadable.
    """
    if Path(infrared).suffix.lower() not in IMAGE_SUFFIXES:
        return read_metadata(visible)
    return read_metadata(visible).with_position_of(read_metadata(infrared))
