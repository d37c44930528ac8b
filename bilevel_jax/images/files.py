"""Image files on the host: 8 and 16 bit, grey, colour, palette; read whole or refused, written whole or not at all."""

import io
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
import tifffile
from PIL import Image

from bilevel_jax.atomic import replacing
from bilevel_jax.errors import InputError
from bilevel_jax.images import png

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
_TIFF = (".tif", ".tiff")
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_DEEP = (".png", *_TIFF)
_GREY16 = ("I;16", "I;16B", "I;16L", "I;16N", "I")
RAW_PERCENTILES = (0.5, 99.5)
RAW_SPREAD = 1 << 14
# What Pillow multiplies the levels of a grey PNG of less than 8 bits by: to be undone where a level is a class id.
_LOW_BIT_FACTOR = {"L;2": 85, "L;4": 17}


def read_image(path: str | os.PathLike, alpha: bool = False) -> np.ndarray:
    """Reads an image as it is stored, uint8 or uint16 [H, W, C] with C 1 or 3 (2 or 4 with `alpha`, where it has one).

    A palette is expanded; other colour models become RGB.

    Raises:
        InputError: the file is missing, unreadable or truncated, or its samples are not 8 or 16 bit.
    """
    return decode_image(read_file(path), path, alpha)


def read_indices(path: str | os.PathLike) -> np.ndarray:
    """Reads a label map, int32 [H, W]: the stored numbers (a palette's indices, not its colours).

    Raises:
        InputError: the file is missing, unreadable or truncated, or has more than one channel.
    """
    return decode_indices(read_file(path), path)


def read_file(path: str | os.PathLike) -> bytes:
    """The whole file; InputError where it is missing, no regular file (a device would never end), or unreadable."""
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is a folder or a device, expected a file.")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist, expected a file.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error


def decode_image(data: bytes, where: str | os.PathLike, alpha: bool = False) -> np.ndarray:
    """What `read_image` gives, of a file's bytes; `where` names it in messages."""
    try:
        deep = _read_deep(data)
        array = _read_pillow(data, where) if deep is None else deep
    except InputError:
        raise
    except Exception as error:
        # A decoder may raise anything for a damaged file (OSError, zlib.error, TypeError, ...): one sentence for all.
        raise _unreadable(where, error) from error
    array = array[..., None] if array.ndim == 2 else array
    if array.dtype not in (np.uint8, np.uint16) or array.ndim != 3 or array.shape[-1] > 4:
        raise InputError(
            f"{where} holds {array.dtype} samples of shape {array.shape}, expected one image of 8 or 16 bit samples "
            "with 1 to 4 channels."
        )
    return array if alpha else array[..., : array.shape[-1] - (array.shape[-1] in (2, 4))]


def decode_indices(data: bytes, where: str | os.PathLike) -> np.ndarray:
    """What `read_indices` gives, of a file's bytes; `where` names it in messages."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            factor = _LOW_BIT_FACTOR.get(image.tile[0].args, 1) if image.tile else 1
            if image.mode in ("P", "L", "1", *_GREY16):
                return np.asarray(image).astype(np.int32) // factor
            mode = image.mode
    except Exception as error:
        raise _unreadable(where, error) from error
    raise InputError(f"{where} is an image of mode {mode}, expected one channel that holds class numbers.")


def image_size(path: str | os.PathLike) -> tuple[int, int]:
    """Reads (height, width) from the header alone; InputError where the file is missing or not an image."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            return _header_size(file)
    except Exception as error:
        raise _unreadable(path, error) from error


def encoded_size(data: bytes, where: str | os.PathLike) -> tuple[int, int]:
    """What `image_size` gives, of a file's bytes; `where` names it in messages."""
    try:
        return _header_size(io.BytesIO(data))
    except Exception as error:
        raise _unreadable(where, error) from error


def write_image(path: str | os.PathLike, array: np.ndarray) -> None:
    """Writes uint8 or uint16 [H, W], [H, W, 1] or [H, W, 3] in the format of the suffix, whole or not at all.

    JPEG is written at quality 95 without chroma subsampling; 16 bit needs .png, .tif or .tiff.

    Raises:
        InputError: the suffix is not a known one, the format has no 16 bit, or the path cannot be written.
    """
    path, suffix = Path(path), Path(path).suffix.lower()
    if array.dtype not in (np.uint8, np.uint16) or array.ndim not in (2, 3) or array.shape[2:] not in ((), (1,), (3,)):
        raise ValueError(f"cannot write {array.dtype} {array.shape}, expected uint8 or uint16 [H, W], [H, W, 1 or 3]")
    if suffix not in IMAGE_SUFFIXES:
        raise InputError(f"{path} has the suffix {suffix!r}, expected one of {', '.join(IMAGE_SUFFIXES)}.")
    if array.dtype == np.uint16 and suffix not in _DEEP:
        raise InputError(f"{path} is to hold 16 bit samples, which {suffix} cannot: expected {', '.join(_DEEP)}.")
    array = np.ascontiguousarray(array[..., 0] if array.shape[2:] == (1,) else array)
    with replacing(path) as temporary:
        if array.dtype == np.uint16 and array.ndim == 3:
            if suffix == ".png":
                temporary.write_bytes(png.encode_rgb16(array))
            else:
                tifffile.imwrite(temporary, array, photometric="rgb", compression="zlib", metadata=None)
        else:
            options = {"quality": 95, "subsampling": 0} if suffix in (".jpg", ".jpeg") else {}
            Image.fromarray(array).save(temporary, **options)


def to_float(array: np.ndarray) -> np.ndarray:
    """float32 in [0, 1] of uint8 (by 255) or uint16 (by 65535); floats pass as float32; TypeError for others."""
    if array.dtype in (np.uint8, np.uint16):
        return array.astype(np.float32) / np.float32(np.iinfo(array.dtype).max)
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(f"the image is {array.dtype}, expected uint8, uint16 or float")
    return array.astype(np.float32)


def scale_raw(array: np.ndarray, infrared_range: tuple[float, float] | None = None) -> np.ndarray:
    """Scales raw thermal counts, uint16 of any shape, to full-range uint16; what lies outside the range is clipped.

    Without a range the image itself decides. Counts take a small part of the 16 bit: where the 0.5 and the 99.5
    percentile are less than 16,384 apart (what a 14 bit sensor can reach), those two become 0 and 65535. Where they are
    further apart, or where every level is a multiple of 257 (an 8 bit picture stored as 16 bit), the image is a picture
    already and is left alone, as is uint8. An image of one level becomes 0.

    Args:
        array: uint16 counts; uint8 has no counts and is returned as it is.
        infrared_range: (low, high) in counts, the levels that become 0 and 65535.

    Raises:
        InputError: low is not below high.
    """
    if array.dtype == np.uint8:
        return array
    if infrared_range is not None:
        low, high = (float(level) for level in infrared_range)
        if not low < high:
            raise InputError(f"infrared_range is ({low:g}, {high:g}), expected (low, high) in counts with low < high.")
    else:
        low, high = np.percentile(array, RAW_PERCENTILES)
        if high - low >= RAW_SPREAD or not np.any(array % 257):
            return array
        if low == high:
            # A few hot pixels on an even ground: the percentiles see the ground alone.
            low, high = float(array.min()), max(float(array.max()), float(array.min()) + 1.0)
    scaled = (array.astype(np.float32) - np.float32(low)) * np.float32(65535.0 / (high - low))
    return np.rint(np.clip(scaled, 0.0, 65535.0)).astype(np.uint16)


def _header_size(file: BinaryIO) -> tuple[int, int]:
    try:
        with Image.open(file) as image:
            return image.height, image.width
    except Image.UnidentifiedImageError:
        file.seek(0)
        if file.read(4) not in _TIFF_STARTS:
            raise
        file.seek(0)
        with tifffile.TiffFile(file) as tiff:
            return tiff.pages[0].imagelength, tiff.pages[0].imagewidth


def _read_pillow(data: bytes, where: str | os.PathLike) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        if image.mode in _GREY16:
            counts = np.asarray(image).astype(np.int64)
            if counts.min() < 0 or counts.max() > np.iinfo(np.uint16).max:
                raise InputError(
                    f"{where} holds levels from {counts.min()} to {counts.max()}, expected 0 to 65535 (16 bit)."
                )
            return counts.astype(np.uint16)
        if image.mode == "F":
            return np.asarray(image)
        return np.asarray(image if image.mode in ("L", "LA", "RGB", "RGBA") else image.convert(_plain_mode(image)))


def _plain_mode(image: Image.Image) -> str:
    if image.mode == "1":
        return "L"
    has_alpha = image.mode in ("PA", "La", "RGBa") or (image.mode == "P" and "transparency" in image.info)
    return "RGBA" if has_alpha else "RGB"


def _read_deep(data: bytes) -> np.ndarray | None:
    """Several channels of 16 bit, which Pillow reduces to 8 or refuses; None for every other file."""
    if data[:4] in _TIFF_STARTS:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages[0]
            if page.samplesperpixel == 1 or page.bitspersample != 16:
                return None
            array = page.asarray()
            return np.moveaxis(array, 0, -1) if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE else array
    return png.decode_deep(data)


def _unreadable(path: str | os.PathLike, error: Exception) -> InputError:
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path} does not exist, expected an image file.")
    if isinstance(error, PermissionError):
        return InputError(f"{path} cannot be read: no permission.")
    said = "it is not an image that can be identified" if isinstance(error, Image.UnidentifiedImageError) else error
    return InputError(f"{path} cannot be read as an image, it may be damaged or truncated ({said}).")
