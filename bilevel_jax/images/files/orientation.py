"""Pictures turned upright: cameras store them as the sensor lies, and a tag says how to turn them."""

import io
import re
import struct
from typing import BinaryIO, TypeVar

import numpy as np
import tifffile
from PIL import Image

from bilevel_jax.images.files.tags import read_directory

ORIENTATION = 274  # number of the tag
UPRIGHT = 1
_PNG = b"\x89PNG\r\n\x1a\n"
_EXIF_PREFIX = b"Exif\0\0"
_IN_XMP = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')

SampleT = TypeVar("SampleT", bound=np.generic)


def orientation_of(image: Image.Image, file: BinaryIO) -> int:
    """Returns how the stored picture is to be turned, from 1 (not at all) to 8, as EXIF numbers it.

    A value outside 1 to 8 means nothing and counts as 1. Pillow turns TIFF files itself, so they give 1.

    Args:
        image: opened by Pillow; its pixels need not be loaded.
        file: what it was opened from.
    """
    if hasattr(image, "tag_v2"):
        return UPRIGHT
    directory = read_directory(exif_block(image, file))
    if directory is not None and ORIENTATION in directory.tags:
        return valid(directory.number(ORIENTATION))
    in_xmp = _IN_XMP.search(xmp_packet(image))
    return int(in_xmp[1]) if in_xmp else UPRIGHT


def encoded_orientation(data: bytes) -> int:
    """Does what `orientation_of` does, from the bytes of a file; raises what Pillow raises."""
    file = io.BytesIO(data)
    with Image.open(file) as image:
        return orientation_of(image, file)


def tiff_orientation(page: tifffile.TiffPage) -> int:
    """Returns the same as `orientation_of` for a page that tifffile has opened, which it does not turn."""
    tags = getattr(page, "tags", {})
    return valid(tags[ORIENTATION].value) if ORIENTATION in tags else UPRIGHT


def valid(orientation: object) -> int:
    """Returns the orientation where it is one of EXIF's, 1 to 8, else 1."""
    return int(orientation) if isinstance(orientation, int) and 1 <= orientation <= 8 else UPRIGHT


def is_turned(orientation: int) -> bool:
    """Whether the upright picture is as wide as the stored one is high."""
    return orientation >= 5


def upright_size(height: int, width: int, orientation: int) -> tuple[int, int]:
    """Returns (height, width) of the upright picture from those of the stored one."""
    return (width, height) if is_turned(orientation) else (height, width)


def upright(array: np.ndarray[tuple, np.dtype[SampleT]], orientation: int) -> np.ndarray[tuple, np.dtype[SampleT]]:
    """Returns a picture turned upright (EXIF 2.32, section 4.6.4, tag 274).

    Args:
        array: the stored picture [H, W] or [H, W, C] of any type.
        orientation: as `orientation_of` returns it.
    """
    if is_turned(orientation):
        array = array.swapaxes(0, 1)
    # Whether rows and columns run backwards, after rows and columns have changed places.
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array) if orientation != UPRIGHT else array


def exif_block(image: Image.Image, file: BinaryIO) -> bytes:
    """Returns the EXIF block of an opened image, from the TIFF header on; b"" where there is none."""
    block = image.info.get("exif") or b""
    if not block and "Raw profile type exif" in image.info:
        # ImageMagick's way to store EXIF in a PNG file: three lines that describe it, and hexadecimal digits.
        digits = "".join(str(image.info["Raw profile type exif"]).split("\n")[3:])
        block = bytes.fromhex(digits) if re.fullmatch(r"([0-9a-fA-F]{2})*", digits) else b""
    if not block and image.format == "PNG":
        block = _late_png_exif(file)
    while block.startswith(_EXIF_PREFIX):
        block = block[len(_EXIF_PREFIX) :]
    return block


def xmp_packet(image: Image.Image) -> bytes:
    """Returns the XMP packet of an opened image; b"" where there is none."""
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    return packet.encode() if isinstance(packet, str) else bytes(packet)


def _late_png_exif(file: BinaryIO) -> bytes:
    """The EXIF chunk of a PNG file, also after the pixels, where Pillow finds it only once it has decoded them."""
    here = file.tell()
    try:
        file.seek(len(_PNG))
        kind = b""
        while kind != b"IEND" and len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">L4s", head)
            if kind == b"eXIf":
                return file.read(length)
            file.seek(length + 4, 1)  # 4 bytes: the checksum
        return b""
    finally:
        file.seek(here)
