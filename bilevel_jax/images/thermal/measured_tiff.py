"""TIFF files of measured numbers: floats, signed integers and integers of 32 bit."""

import contextlib
import io

import numpy as np
import tifffile

from bilevel_jax.errors import InputError
from bilevel_jax.images.files.decoding import tiff_samples, unreadable
from bilevel_jax.images.files.tags import GDAL_NO_VALUE, TIFF_STARTS
from bilevel_jax.images.thermal.infrared_image import InfraredImage
from bilevel_jax.images.thermal.measured_values import measured_image


def recognises(data: bytes, where: str) -> bool:
    """Returns whether these are the bytes of a TIFF whose samples no ordinary picture has."""
    if not data.startswith(TIFF_STARTS):
        return False
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            kind = file.pages.first.dtype
    except Exception:  # damaged: the reader of pictures says so
        return False
    return kind is not None and (kind.kind in "if" or kind.itemsize > 2)


def decode(data: bytes, where: str) -> InfraredImage:
    """Returns the numbers of the first page of a TIFF file.

    A second channel is an alpha channel: where it is 0 there is no value.

    Raises:
        InputError: the file is damaged or truncated, has several channels, or no pixel has a value.
    """
    no_value = None
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages.first
            array = tiff_samples(page)
            if GDAL_NO_VALUE in page.tags:
                with contextlib.suppress(ValueError):
                    no_value = float(str(page.tags[GDAL_NO_VALUE].value).strip("\0 "))
    except Exception as error:  # any exception may come from a damaged file
        raise unreadable(where, error) from error
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim == 3 and array.shape[-1] == 2 and array.dtype.kind == "f":
        array = np.where(array[..., 1:] == 0, np.nan, array[..., :1])
    if array.ndim != 3 or array.shape[-1] != 1 or array.dtype.kind not in "iuf":
        raise InputError(
            f"{where} holds {array.dtype} samples of shape {array.shape}; expected one channel of numbers."
        )
    return measured_image(array, where, no_value)
