"""Files that hold several pictures, of which the first is read: animations, and TIFF files of many pages."""

from typing import BinaryIO

import tifffile
from PIL import Image

from bilevel_jax.images.files.tags import TIFF_STARTS

NOTE = "holds several pictures, of which the first is used"


def note_on_pictures(file: BinaryIO) -> tuple[str, ...]:
    """Returns `NOTE` for an open file with several pictures of one size, and nothing for every other file.

    Further pictures of a JPEG file (MPO), and pages of another size, are mostly small copies of the first.
    """
    try:
        start = file.read(4)
        file.seek(0)
        if start in TIFF_STARTS:
            with tifffile.TiffFile(file) as tiff:
                several = len(tiff.pages) > 1 and tiff.pages[1].shape == tiff.pages.first.shape
        elif start.startswith(b"\xff\xd8"):
            several = False
        else:
            with Image.open(file) as image:
                several = getattr(image, "is_animated", False)
    except Exception:  # no image, or a damaged one: the reader says so
        several = False
    return (NOTE,) if several else ()
