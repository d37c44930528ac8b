"""Bytes of image files become arrays: 8 and 16 bit; grey, colour, palette."""

import io
import os
from typing import BinaryIO

import numpy as np
import tifffile
from jaxtyping import Int32, Shaped, UInt
from PIL import Image

from bilevel_jax.errors import InputError
from bilevel_jax.images import jpeg2000, png
from bilevel_jax.images.files.formats import why_unopened
from bilevel_jax.images.files.orientation import (
    encoded_orientation,
    orientation_of,
    tiff_orientation,
    upright,
    upright_size,
)
from bilevel_jax.images.files.tags import TIFF_STARTS

_GREY16 = ("I;16", "I;16B", "I;16L", "I;16N", "I")
# Pillow multiplies the levels of a grey PNG of less than 8 bits by these factors. Class numbers must be divided again.
_LOW_BIT_FACTOR = {"L;2": 85, "L;4": 17}


def decode_image(data: bytes, where: str | os.PathLike, alpha: bool = False) -> UInt[np.ndarray, "h w c"]:
    """Does what `read_image` does, from the bytes of a file; `where` names the file in messages."""
    try:
        deep = _read_deep(data)
        array = _read_pillow(data, where) if deep is None else deep
    except InputError:
        raise
    except Exception as error:
        # A decoder may raise any exception for a damaged file: OSError, PngError, zlib.error, TypeError, ...
        raise unreadable(where, error, data) from error
    array = array[..., None] if array.ndim == 2 else array
    if array.dtype not in (np.uint8, np.uint16) or array.ndim != 3 or array.shape[-1] > 4:
        raise InputError(
            f"{where} holds {array.dtype} samples of shape {array.shape}; expected one image of 8 or 16 bit samples "
            "with 1 to 4 channels."
        )
    return array if alpha else without_alpha(array)


def decode_indices(data: bytes, where: str | os.PathLike) -> Int32[np.ndarray, "h w"]:
    """Does what `read_indices` does, from the bytes of a file; `where` names the file in messages."""
    try:
        file = io.BytesIO(data)
        with Image.open(file) as image:
            stored = image.tile[0].args if image.tile else None  # for a PNG: the mode of the samples in the file
            factor = _LOW_BIT_FACTOR.get(stored, 1) if isinstance(stored, str) else 1
            if image.mode in ("P", "L", "1", *_GREY16):
                orientation = orientation_of(image, file)
                return upright(np.asarray(image).astype(np.int32) // factor, orientation)
            mode = image.mode
    except Exception as error:
        raise unreadable(where, error, data) from error
    raise InputError(f"{where} is an image of mode {mode}; expected one channel that holds class numbers.")


def encoded_size(data: bytes, where: str | os.PathLike) -> tuple[int, int]:
    """Does what `image_size` does, from the bytes of a file; `where` names the file in messages."""
    try:
        return header_size(io.BytesIO(data))
    except Exception as error:
        raise unreadable(where, error, data) from error


def header_size(file: BinaryIO) -> tuple[int, int]:
    """Returns (height, width) of the upright picture from an open file's header; raises what the decoder raises."""
    try:
        with Image.open(file) as image:
            return upright_size(image.height, image.width, orientation_of(image, file))
    except Image.UnidentifiedImageError:
        file.seek(0)
        if file.read(4) not in TIFF_STARTS:
            raise
        file.seek(0)
        with tifffile.TiffFile(file) as tiff:
            page = tiff.pages.first
            return upright_size(page.imagelength, page.imagewidth, tiff_orientation(page))


def unreadable(path: str | os.PathLike, error: Exception, start: bytes = b"") -> InputError:
    """Returns what a user is told when reading an image file has failed.

    Args:
        path: names the file.
        error: the decoder's.
        start: the first bytes of the file.
    """
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path} does not exist; expected an image file.")
    if isinstance(error, PermissionError):
        return InputError(f"{path} cannot be read: no permission.")
    unidentified = isinstance(error, Image.UnidentifiedImageError)
    if unidentified and not start:
        return InputError(f"{path} is empty; expected an image file.")
    if unidentified and (why := why_unopened(start)):
        return InputError(f"{path} cannot be read: {why}.")
    said = "it is not an image that can be identified" if unidentified else error
    return InputError(f"{path} cannot be read as an image, it may be damaged or truncated ({said}).")


def tiff_samples(page: tifffile.TiffPage) -> Shaped[np.ndarray, "h w *c"]:
    """Returns the samples of a page that tifffile has opened, upright and with the channels last."""
    array = np.asarray(page.asarray())
    if array.ndim == 3 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
        array = np.moveaxis(array, 0, -1)
    return upright(array, tiff_orientation(page))


def pillow_samples(image: Image.Image, where: str | os.PathLike) -> Shaped[np.ndarray, "h w *c"]:
    """Returns the samples of an image that Pillow has opened, with their alpha channel; they are not turned.

    Args:
        image: a palette is expanded, and other colour models become RGB.
        where: names the image in messages.

    Raises:
        InputError: levels of 32 bits do not fit into 16.
    """
    if image.mode in _GREY16:
        counts = np.asarray(image).astype(np.int64)
        if counts.min() < 0 or counts.max() > np.iinfo(np.uint16).max:
            raise InputError(
                f"{where} holds levels from {counts.min()} to {counts.max()}; expected 0 to 65535 (16 bit)."
            )
        return counts.astype(np.uint16)
    if image.mode == "F":
        return np.asarray(image)
    return np.asarray(image if image.mode in ("L", "LA", "RGB", "RGBA") else image.convert(_plain_mode(image)))


def without_alpha(array: Shaped[np.ndarray, "h w c"]) -> Shaped[np.ndarray, "h w d"]:
    """Returns the grey or colour channels of 1 to 4 channels: the last of 2 or 4 is alpha."""
    return array[..., : array.shape[-1] - (array.shape[-1] in (2, 4))]


def _read_pillow(data: bytes, where: str | os.PathLike) -> np.ndarray:
    file = io.BytesIO(data)
    with Image.open(file) as image:
        orientation = orientation_of(image, file)
        image.load()
        return upright(pillow_samples(image, where), orientation)


def _plain_mode(image: Image.Image) -> str:
    if image.mode in ("1", "La"):
        return "LA" if image.mode == "La" else "L"  # Pillow turns La into nothing but LA
    has_alpha = image.mode in ("PA", "RGBa") or (image.mode == "P" and "transparency" in image.info)
    return "RGBA" if has_alpha else "RGB"


def _read_deep(data: bytes) -> Shaped[np.ndarray, "h w *c"] | None:
    """Decodes what Pillow reduces to 8 bit, scales or refuses; None for every other file."""
    if data[:4] in TIFF_STARTS:
        with tifffile.TiffFile(io.BytesIO(data)) as tiff:
            page = tiff.pages.first
            if page.samplesperpixel == 1 or page.bitspersample <= 8:
                return None
            return tiff_samples(page)
    candidates = (decode(data) for decode in (jpeg2000.decode_deep, png.decode_deep))
    deep = next((found for found in candidates if found is not None), None)
    if deep is None:
        return None
    try:
        return upright(deep, encoded_orientation(data))
    except Image.UnidentifiedImageError:
        # imagecodecs forgives some damage outside the pixels, for which Pillow refuses the file.
        return deep
