"""What an image file says about its picture: EXIF with the position, the colour profile, XMP and TIFF tags."""

import io
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import UInt
from PIL import Image

from bilevel_jax.images.files.orientation import (
    ORIENTATION,
    UPRIGHT,
    exif_block,
    orientation_of,
    upright_size,
    valid,
    xmp_packet,
)
from bilevel_jax.images.files.tags import (
    BYTE,
    EXIF,
    GDAL_NO_VALUE,
    GPS,
    LONG,
    TIFF_STARTS,
    UNDEFINED,
    Directory,
    Tag,
    encode_block,
    read_directory,
)

_DESCRIPTION, _XMP, _ICC_PROFILE = 270, 700, 34675  # numbers of TIFF tags
_WIDTH, _HEIGHT = 40962, 40963  # EXIF: size of the picture in pixels
# What a file says about how it stores its pixels. A new file has its own.
_STORAGE = frozenset(
    (
        *range(254, 260),  # kind and size of the picture, bits, compression
        *range(262, 267),  # photometric interpretation, halftones
        *(273, ORIENTATION, 277, 278, 279, 280, 281, 284),  # strips, channels, least and greatest level
        *range(288, 294),  # free bytes, grey curve, fax options
        *(297, 301, 317),  # page, transfer, predictor
        *(320, 321, *range(322, 331)),  # colour table, halftones, tiles, further directories
        *range(332, 348),  # inks, extra channels, sample format and range, JPEG tables
        *range(512, 522),  # JPEG inside TIFF, and the place of the thumbnail
        *(529, 530, 532, 559, 33421, 33422),  # YCbCr, strips, colour filter array
        *(37724, 50838, 50839),  # Photoshop's layers, ImageJ's data
        GDAL_NO_VALUE,  # which is another thing in another picture
    )
)
# Where the pixels lie on the ground (GeoTIFF 1.1): true only while every pixel stays in its place.
_PIXELS_ON_GROUND = frozenset((33550, 33920, 33922, 34264))
# Descriptions by which tifffile, ImageJ and OME-TIFF say how the pixels are stored.
_STORAGE_DESCRIPTION = re.compile(rb'\{"shape"|ImageJ=|<\?xml.*<OME|<OME', re.DOTALL)
_XMP_ORIENTATION = re.compile(rb'\s*tiff:Orientation="\d*"|<tiff:Orientation>\d*</tiff:Orientation>')
_PROFILE_SPACE = slice(16, 20)  # ICC.1, section 7.2: where a profile names its colour space
_CHANNELS = {b"GRAY": 1, b"RGB ": 3}


@dataclass(frozen=True)
class Metadata:
    """What a file says about its picture; true of the upright picture.

    Attributes:
        tags: of EXIF and TIFF, without the orientation, the thumbnail, and how the pixels are stored.
        icc_profile: the colour profile, b"" where there is none.
        xmp: an XMP packet, b"" where there is none.
        size: (height, width) of the upright picture in pixels.
    """

    tags: Directory = field(default_factory=Directory)
    icc_profile: bytes = b""
    xmp: bytes = b""
    size: tuple[int, int] = (0, 0)

    def of_picture(self, image: UInt[np.ndarray, "h w *c"]) -> "Metadata":
        """Returns what is true of another picture of the same scene.

        EXIF's width and height become those of the picture. The colour profile goes where it is for another number of
        channels. GeoTIFF's place of the pixels goes where the size differs.

        Args:
            image: [H, W], [H, W, 1] or [H, W, 3].
        """
        size, channels = image.shape[:2], image.shape[2] if image.ndim == 3 else 1
        tags = self.tags if size == self.size else _without(self.tags, _PIXELS_ON_GROUND)
        profile = self.icc_profile if _CHANNELS.get(self.icc_profile[_PROFILE_SPACE]) == channels else b""
        return replace(self, tags=_with_size(tags, *size), icc_profile=profile, size=size)

    def with_position_of(self, other: "Metadata") -> "Metadata":
        """Returns this with the other's position (GPS), where this has none."""
        if GPS in self.tags.below or GPS not in other.tags.below:
            return self
        order = self.tags.order if self.tags.tags or self.tags.below else other.tags.order
        position = other.tags.below[GPS].in_order(order)
        return replace(self, tags=Directory(order, self.tags.tags, {**self.tags.below, GPS: position}))

    def exif(self, limit: int | None = None) -> bytes:
        """Returns the tags as an EXIF block that starts with `Exif`; b"" where there is no tag.

        Args:
            limit: number of bytes that the file format can hold: the largest tags are left out until the rest fits.
        """
        tags = self.tags
        while tags.tags or tags.below:
            block = b"Exif\0\0" + encode_block(tags)
            if limit is None or len(block) <= limit:
                return block
            tags = _without_largest(tags)
        return b""

    def tiff_tags(self) -> Directory:
        """Returns all of this as tags of a TIFF file."""
        more: dict[int, Tag] = {}
        if self.xmp:
            more[_XMP] = Tag(BYTE, len(self.xmp), self.xmp)
        if self.icc_profile:
            more[_ICC_PROFILE] = Tag(UNDEFINED, len(self.icc_profile), self.icc_profile)
        return replace(self.tags, tags={**self.tags.tags, **more})


def decode_metadata(data: bytes) -> Metadata:
    """Returns what a file says about its picture; damaged parts are left out.

    Args:
        data: the file's bytes. Those of a file that Pillow does not open, such as .npy, say nothing.
    """
    if data[:4] in TIFF_STARTS:
        return _of_tiff(data)
    file = io.BytesIO(data)
    try:
        with Image.open(file) as image:
            orientation = orientation_of(image, file)
            size = upright_size(image.height, image.width, orientation)
            found = read_directory(exif_block(image, file)) or Directory()
            profile, xmp = image.info.get("icc_profile") or b"", xmp_packet(image)
    except Exception:
        # Whether the picture itself can be read, and what is wrong with it, is for `decode_image` to say. Pillow raises
        # many kinds of exceptions for a damaged file.
        return Metadata()
    return Metadata(_carried(found, orientation), profile, _XMP_ORIENTATION.sub(b"", xmp), size)


def _of_tiff(data: bytes) -> Metadata:
    found = read_directory(data) or Directory()
    orientation = valid(found.number(ORIENTATION))
    height, width = (found.number(tag) or 0 for tag in (257, 256))
    profile, xmp = (found.tags[tag].data if tag in found.tags else b"" for tag in (_ICC_PROFILE, _XMP))
    return Metadata(
        _without(_carried(found, orientation), {_ICC_PROFILE, _XMP}),
        profile,
        _XMP_ORIENTATION.sub(b"", xmp),
        upright_size(height, width, orientation),
    )


def _carried(found: Directory, orientation: int) -> Directory:
    left_out = _STORAGE if orientation == UPRIGHT else _STORAGE | _PIXELS_ON_GROUND
    if _STORAGE_DESCRIPTION.match(found.tags[_DESCRIPTION].data if _DESCRIPTION in found.tags else b""):
        left_out = left_out | {_DESCRIPTION}
    return _without(found, left_out)


def _without(directory: Directory, left_out: frozenset[int] | set[int]) -> Directory:
    return replace(directory, tags={tag: value for tag, value in directory.tags.items() if tag not in left_out})


def _with_size(directory: Directory, height: int, width: int) -> Directory:
    """The directory with EXIF's size of the picture, where EXIF has one."""
    exif = directory.below.get(EXIF)
    if exif is None:
        return directory
    sides = {_WIDTH: width, _HEIGHT: height}
    new = {tag: Tag(LONG, 1, struct.pack(exif.order + "L", side)) for tag, side in sides.items() if tag in exif.tags}
    return _with_below(directory, EXIF, replace(exif, tags={**exif.tags, **new}))


def _with_below(directory: Directory, tag: int, below: Directory) -> Directory:
    return replace(directory, below={**directory.below, tag: below})


def _without_largest(directory: Directory) -> Directory:
    """The directory without the largest tag of its own or of the EXIF directory below; the position goes last."""
    exif = directory.below.get(EXIF, Directory())
    own, exifs = _largest(directory.tags), _largest(exif.tags)
    if own is None and exifs is None:
        return Directory(directory.order)
    if exifs is None or (own is not None and len(directory.tags[own].data) >= len(exif.tags[exifs].data)):
        return _without(directory, {own} if own is not None else set())
    return _with_below(directory, EXIF, _without(exif, {exifs}))


def _largest(tags: Mapping[int, Tag]) -> int | None:
    return max(tags, key=lambda tag: len(tags[tag].data), default=None)
