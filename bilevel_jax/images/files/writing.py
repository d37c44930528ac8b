"""Writing an image file whole or not at all."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from jaxtyping import UInt
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bilevel_jax.atomic import replacing
from bilevel_jax.errors import InputError
from bilevel_jax.images import png
from bilevel_jax.images.files.formats import IMAGE_FORMATS, written_format, written_suffixes
from bilevel_jax.images.files.metadata import Metadata
from bilevel_jax.images.files.tags import Directory, append_tags

_JPEG_LIMIT = 65_533  # bytes of a marker segment after its length
_JPEG_XMP_LIMIT = _JPEG_LIMIT - 29  # the name of the segment
_PNG_EFFORT = 3  # of 9: level 6, Pillow's own, takes three times as long for files that are a tenth smaller


def write_image(path: str | os.PathLike, array: UInt[np.ndarray, "h w *c"], metadata: Metadata | None = None) -> None:
    """Writes uint8 or uint16 [H, W], [H, W, 1] or [H, W, 3] in the format of the suffix, whole or not at all.

    JPEG, WebP and AVIF are written at quality 95, JPEG and AVIF without chroma subsampling. 16 bit needs .png, .tif or
    .tiff.

    Args:
        path: the file.
        array: the picture.
        metadata: what the file says about it. BMP, PGM, PPM and JPEG 2000 files hold none. JPEG holds 64 KiB of EXIF
            data, so the largest tags are left out beyond that.

    Raises:
        InputError: the suffix is unknown, the format cannot hold 16 bit, or the path cannot be written.
        ValueError: an array of another type or shape.
    """
    path, suffix = Path(path), Path(path).suffix.lower()
    if array.dtype not in (np.uint8, np.uint16) or array.ndim not in (2, 3) or array.shape[2:] not in ((), (1,), (3,)):
        raise ValueError(f"Cannot write {array.dtype} {array.shape}; expected uint8 or uint16 [H, W], [H, W, 1 or 3].")
    form = written_format(path, suffix)
    if array.dtype == np.uint16 and not form.deep:
        deep = ", ".join(written_suffixes(deep=True))
        raise InputError(f"{path} is to hold 16 bit samples, which {suffix} cannot; expected {deep}.")
    array = np.ascontiguousarray(array[..., 0] if array.shape[2:] == (1,) else array)
    carried = metadata.of_picture(array) if metadata is not None and form.metadata else None
    with replacing(path) as temporary:
        if suffix in IMAGE_FORMATS["TIFF"].suffixes:
            _write_tiff(temporary, array, carried)
        elif suffix in IMAGE_FORMATS["PNG"].suffixes:
            _write_png(temporary, array, carried)
        else:
            Image.fromarray(array).save(temporary, **form.options, **_pillow_options(carried, suffix))


def _pillow_options(metadata: Metadata | None, suffix: str) -> dict[str, Any]:
    """What Pillow is given for JPEG, WebP and AVIF."""
    if metadata is None:
        return {}
    is_jpeg = suffix in IMAGE_FORMATS["JPEG"].suffixes
    xmp = b"" if is_jpeg and len(metadata.xmp) > _JPEG_XMP_LIMIT else metadata.xmp
    exif = metadata.exif(_JPEG_LIMIT if is_jpeg else None)
    options = {"exif": exif, "icc_profile": metadata.icc_profile, "xmp": xmp}
    return {name: value for name, value in options.items() if value}


def _write_png(path: Path, array: UInt[np.ndarray, "h w *c"], metadata: Metadata | None) -> None:
    options: dict[str, Any] = {} if metadata is None else _pillow_options(metadata, ".png")
    if array.dtype == np.uint16 and array.ndim == 3:
        path.write_bytes(png.encode_rgb16(array, **options))
        return
    if xmp := options.pop("xmp", b""):
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt(png.XMP_KEYWORD, xmp.decode("utf-8", "replace"))
    Image.fromarray(array).save(path, compress_level=_PNG_EFFORT, **options)


def _write_tiff(path: Path, array: UInt[np.ndarray, "h w *c"], metadata: Metadata | None) -> None:
    if array.dtype == np.uint16 and array.ndim == 3:
        tifffile.imwrite(path, array, photometric="rgb", compression="zlib", metadata=None)
    else:
        Image.fromarray(array).save(path)
    tags = Directory() if metadata is None else metadata.tiff_tags()
    if tags.tags or tags.below:
        append_tags(path, tags)
