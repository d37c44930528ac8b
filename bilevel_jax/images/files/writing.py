"""Writing an image file whole or not at all."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from jaxtyping import UInt
from PIL import Image

from bilevel_jax.atomic import replacing
from bilevel_jax.errors import InputError
from bilevel_jax.images import png
from bilevel_jax.images.files.reading import IMAGE_SUFFIXES

_DEEP = (".png", ".tif", ".tiff")


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
