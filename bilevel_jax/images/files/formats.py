"""The file formats of images: their suffixes, and what of a picture each of them holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from bilevel_jax.errors import InputError


@dataclass(frozen=True)
class ImageFormat:
    """A file format.

    Attributes:
        suffixes: in lower case, with the dot.
        written: False for a format that is only read.
        deep: whether `write_image` writes 16 bit samples.
        metadata: whether `write_image` writes EXIF data, a colour profile and XMP data.
        options: what Pillow's `save` is given.
    """

    suffixes: tuple[str, ...]
    written: bool = True
    deep: bool = False
    metadata: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


IMAGE_FORMATS: Mapping[str, ImageFormat] = MappingProxyType(
    {
        "PNG": ImageFormat((".png",), deep=True, metadata=True),
        "JPEG": ImageFormat((".jpg", ".jpeg"), metadata=True, options={"quality": 95, "subsampling": 0}),
        "BMP": ImageFormat((".bmp",)),
        "TIFF": ImageFormat((".tif", ".tiff"), deep=True, metadata=True),
        "WebP": ImageFormat((".webp",), metadata=True, options={"quality": 95}),
        "PGM and PPM": ImageFormat((".pgm", ".ppm")),
        "JPEG 2000": ImageFormat((".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c")),
        "AVIF": ImageFormat((".avif",), metadata=True, options={"quality": 95, "subsampling": "4:4:4"}),
        # A GIF file holds 256 colours at most, which a fused image exceeds.
        "GIF": ImageFormat((".gif",), written=False),
    }
)
IMAGE_SUFFIXES = tuple(suffix for form in IMAGE_FORMATS.values() for suffix in form.suffixes)
_HEIC = "it is a HEIC photo; convert it to JPEG, PNG or TIFF"
_WEB_PAGE = "it is a web page, as a failed download leaves it; download the image again"
# (first byte, bytes from there on, in lower case): what the file is
_UNOPENED = (
    (4, b"ftypheic", _HEIC),
    (4, b"ftypheix", _HEIC),
    (4, b"ftypmif1", _HEIC),
    (4, b"ftypavif", "it is an AVIF image, and this Pillow was built without AVIF: pip install --upgrade pillow"),
    (4, b"jxl \r\n\x87\n", "it is a JPEG XL image; convert it to JPEG, PNG or TIFF"),
    (0, b"version https:", "it is a pointer of Git LFS and not the image itself; fetch it with git lfs pull"),
    (0, b"<!doctype html", _WEB_PAGE),
    (0, b"<html", _WEB_PAGE),
    (0, b"\x93numpy", "it is an array of NumPy, which is read as an infrared image only; save it as PNG or TIFF"),
)


def why_unopened(start: bytes) -> str | None:
    """Returns what an intact file is that Pillow cannot open, and what to do; None for any other file.

    Args:
        start: its first bytes, at least 16.
    """
    start = start[:16].lower()
    return next((what for place, kind, what in _UNOPENED if start[place:].startswith(kind)), None)


def written_suffixes(deep: bool = False) -> tuple[str, ...]:
    """Returns the suffixes that `write_image` writes; with `deep`, those that hold 16 bit samples."""
    return tuple(
        suffix for form in IMAGE_FORMATS.values() if form.written and form.deep >= deep for suffix in form.suffixes
    )


def written_format(path: object, suffix: str) -> ImageFormat:
    """Returns the format of a file that is to be written; raises InputError where no such file can be written.

    Args:
        path: names the file in messages.
        suffix: in lower case, with the dot.
    """
    for form in IMAGE_FORMATS.values():
        if suffix in form.suffixes and form.written:
            return form
    raise InputError(f"{path} has the suffix {suffix!r}; expected one of {', '.join(written_suffixes())}.")
