"""Reads an infrared file of any kind; one line of `_FORMATS` for each kind that is no ordinary picture."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bilevel_jax.images.files import IMAGE_SUFFIXES, decode_image, note_on_pictures, read_file
from bilevel_jax.images.thermal import array_file, dji_jpeg, flir_jpeg, measured_tiff, temperature_table
from bilevel_jax.images.thermal.infrared_image import InfraredImage
from bilevel_jax.images.thermal.pseudo_color import heat_of_colors


class _Format(NamedTuple):
    """A kind of file: whether bytes are of this kind, and how they are read."""

    recognises: Callable[[bytes, str], bool]
    decode: Callable[[bytes, str], InfraredImage]


_FORMATS = (
    _Format(array_file.recognises, array_file.decode),
    _Format(temperature_table.recognises, temperature_table.decode),
    _Format(measured_tiff.recognises, measured_tiff.decode),
    _Format(flir_jpeg.recognises, flir_jpeg.decode),
    _Format(dji_jpeg.recognises, dji_jpeg.refuse),
)
TABLE_SUFFIXES = (array_file.SUFFIX, temperature_table.SUFFIX)
INFRARED_SUFFIXES = (*IMAGE_SUFFIXES, *TABLE_SUFFIXES)


def read_infrared(path: str | os.PathLike) -> InfraredImage:
    """Reads an infrared file: an image, temperatures as TIFF, .npy or .csv, or a radiometric JPEG of FLIR.

    Returns:
        The samples in the file's own unit, degrees Celsius for FLIR's. A picture in the colours of a known palette
        becomes its heat, 0 (cold) to 255 (hot).

    Raises:
        InputError: the file is missing or damaged, holds several images or no numbers, is a radiometric JPEG of DJI, or
            needs the package flyr, which is not installed.
    """
    return decode_infrared(read_file(Path(path)), path)


def decode_infrared(data: bytes, where: str | os.PathLike) -> InfraredImage:
    """Does what `read_infrared` does, from the bytes of a file; `where` names the file, with its suffix."""
    kind = next((kind for kind in _FORMATS if kind.recognises(data, str(where))), None)
    image = heat_of_colors(decode_image(data, where)) if kind is None else kind.decode(data, str(where))
    return image._replace(notes=(*image.notes, *note_on_pictures(io.BytesIO(data))))
