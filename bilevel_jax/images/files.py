"""Reading and writing image files: 8 and 16 bit; grey, colour, palette; a file comes or goes whole, or is refused."""

import io
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile
from jaxtyping import Float32, Int32, UInt, UInt16
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
# Pillow multiplies the levels of a grey PNG of less than 8 bits by these factors. Class numbers must be divided again.
_LOW_BIT_FACTOR = {"L;2": 85, "L;4": 17}


def read_image(path: str | os.PathLike, alpha: bool = False) -> UInt[np.ndarray, "h w c"]:
    """Reads an image as uint8 or uint16 with 1 or 3 channels; with `alpha`, 2 or 4 where the file has an alpha channel.

    Samples keep their values. A palette is expanded, and other colour models become RGB.

    Raises:
        InputError: the file is missing, unreadable or truncated, or its samples are not 8 or 16 bit.
    """
    return decode_image(read_file(path), path, alpha)


def read_indices(path: str | os.PathLike) -> Int32[np.ndarray, "h w"]:
    """Reads a label map: the stored numbers, which are the indices of a palette and not its colours.

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


def decode_image(data: bytes, where: str | os.PathLike, alpha: bool = False) -> UInt[np.ndarray, "h w c"]:
    """Does what `read_image` does, from the bytes of a file; `where` names the file in messages."""
    try:
        deep = _read_deep(data)
        array = _read_pillow(data, where) if deep is None else deep
    except InputError:
        raise
    except Exception as error:
        # A decoder may raise any exception for a damaged file: OSError, PngError, zlib.error, TypeError, ...
        raise _unreadable(where, error) from error
    array = array[..., None] if array.ndim == 2 else array
    if array.dtype not in (np.uint8, np.uint16) or array.ndim != 3 or array.shape[-1] > 4:
        raise InputError(
            f"{where} holds {array.dtype} samples of shape {array.shape}; expected one image of 8 or 16 bit samples "
            "with 1 to 4 channels."
        )
    return array if alpha else array[..., : array.shape[-1] - (array.shape[-1] in (2, 4))]


def decode_indices(data: bytes, where: str | os.PathLike) -> Int32[np.ndarray, "h w"]:
    """Does what `read_indices` does, from the bytes of a file; `where` names the file in messages."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            stored = image.tile[0].args if image.tile else None  # for a PNG: the mode of the samples in the file
            factor = _LOW_BIT_FACTOR.get(stored, 1) if isinstance(stored, str) else 1
            if image.mode in ("P", "L", "1", *_GREY16):
                return np.asarray(image).astype(np.int32) // factor
            mode = image.mode
    except Exception as error:
        raise _unreadable(where, error) from error
    raise InputError(f"{where} is an image of mode {mode}; expected one channel that holds class numbers.")


def image_size(path: str | os.PathLike) -> tuple[int, int]:
    """Returns (height, width) from the header alone; raises InputError where the file is missing or no image."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            return _header_size(file)
    except Exception as error:
        raise _unreadable(path, error) from error


def encoded_size(data: bytes, where: str | os.PathLike) -> tuple[int, int]:
    """Does what `image_size` does, from the bytes of a file; `where` names the file in messages."""
    try:
        return _header_size(io.BytesIO(data))
    except Exception as error:
        raise _unreadable(where, error) from error


def write_image(path: str | os.PathLike, array: UInt[np.ndarray, "h w *c"]) -> None:
    """Writes uint8 or uint16 [H, W], [H, W, 1] or [H, W, 3] in the format of the suffix, whole or not at all.

    JPEG is written at quality 95 without chroma subsampling. 16 bit needs .png, .tif or .tiff.

    Raises:
        InputError: the suffix is unknown, the format cannot hold 16 bit, or the path cannot be written.
        ValueError: an array of another type or shape.
    """
    path, suffix = Path(path), Path(path).suffix.lower()
    if array.dtype not in (np.uint8, np.uint16) or array.ndim not in (2, 3) or array.shape[2:] not in ((), (1,), (3,)):
        raise ValueError(f"Cannot write {array.dtype} {array.shape}; expected uint8 or uint16 [H, W], [H, W, 1 or 3].")
    if suffix not in IMAGE_SUFFIXES:
        raise InputError(f"{path} has the suffix {suffix!r}; expected one of {', '.join(IMAGE_SUFFIXES)}.")
    if array.dtype == np.uint16 and suffix not in _DEEP:
        raise InputError(f"{path} is to hold 16 bit samples, which {suffix} cannot; expected {', '.join(_DEEP)}.")
    array = np.ascontiguousarray(array[..., 0] if array.shape[2:] == (1,) else array)
    with replacing(path) as temporary:
        if array.dtype == np.uint16 and array.ndim == 3:
            if suffix == ".png":
                temporary.write_bytes(png.encode_rgb16(array))
            else:
                tifffile.imwrite(temporary, array, photometric="rgb", compression="zlib", metadata=None)
        else:
            options: dict[str, Any] = {"quality": 95, "subsampling": 0} if suffix in (".jpg", ".jpeg") else {}
            Image.fromarray(array).save(temporary, **options)


def to_float(array: np.ndarray) -> Float32[np.ndarray, "..."]:
    """Returns float32 in [0, 1]: uint8 over 255, uint16 over 65535, floats as they are; TypeError for other types."""
    if array.dtype in (np.uint8, np.uint16):
        return array.astype(np.float32) / np.float32(np.iinfo(array.dtype).max)
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(f"The image is {array.dtype}; expected uint8, uint16 or float.")
    return array.astype(np.float32)


def scale_raw(
    array: UInt[np.ndarray, "..."], infrared_range: tuple[float, float] | None = None
) -> UInt[np.ndarray, "..."]:
    """Scales raw thermal counts to the full range of uint16; counts outside the range are clipped.

    Without a range, the image decides. Raw counts fill a small part of the 16 bit: where the 0.5 and the 99.5
    percentile are less than 16,384 apart (the range of a 14 bit sensor), these two become 0 and 65535. Otherwise the
    image is a finished picture and is returned as it is. So is an image whose levels are all multiples of 257, which is
    an 8 bit picture stored as 16 bit. An image of one level becomes 0.

    Args:
        array: uint16 counts. uint8 holds no raw counts and is returned as it is.
        infrared_range: (low, high) in counts: the levels that become 0 and 65535.

    Raises:
        InputError: low is not below high.
    """
    if array.dtype == np.uint8:
        return array
    if infrared_range is not None:
        low, high = (float(level) for level in infrared_range)
        if not low < high:
            raise InputError(f"infrared_range is ({low:g}, {high:g}); expected (low, high) in counts with low < high.")
    else:
        low, high = np.percentile(array, RAW_PERCENTILES)
        if high - low >= RAW_SPREAD or not np.any(array % 257):
            return array
        if low == high:
            # A few hot pixels on an even ground: both percentiles are the level of the ground.
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
            return tiff.pages.first.imagelength, tiff.pages.first.imagewidth


def _read_pillow(data: bytes, where: str | os.PathLike) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
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


def _plain_mode(image: Image.Image) -> str:
    if image.mode == "1":
        return "L"
    has_alpha = image.mode in ("PA", "La", "RGBa") or (image.mode == "P" and "transparency" in image.info)
    return "RGBA" if has_alpha else "RGB"


def _read_deep(data: bytes) -> UInt16[np.ndarray, "h w c"] | None:
    """Decodes several channels of 16 bit, which Pillow reduces to 8 bit or refuses; None for every other file."""
    if data[:4] in _TIFF_STARTS:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages.first
            if page.samplesperpixel == 1 or page.bitspersample != 16:
                return None
            array = page.asarray()
            return np.moveaxis(array, 0, -1) if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE else array
    return png.decode_deep(data)


def _unreadable(path: str | os.PathLike, error: Exception) -> InputError:
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path} does not exist; expected an image file.")
    if isinstance(error, PermissionError):
        return InputError(f"{path} cannot be read: no permission.")
    said = "it is not an image that can be identified" if isinstance(error, Image.UnidentifiedImageError) else error
    return InputError(f"{path} cannot be read as an image, it may be damaged or truncated ({said}).")
