"""Files that hold several pictures, of which the first is read: animations, and TIFF files of many pages."""

import io

import tifffile
from PIL import Image

from bilevel_jax.images.files.tags import TIFF_STARTS

NOTE = "holds several pictures, of which the first is used"


def note_on_pictures(data: bytes) -> tuple[str, ...]:
    """Returns `NOTE` for the bytes of a file with several pictures of one size, and nothing for every other file.

    Further pictures of a JPEG file (MPO), and pages of another size, are mostly small copies of the first.
    """
    try:
        if data.startswith(TIFF_STARTS):
            with tifffile.TiffFile(io.BytesIO(data)) as file:
                several = len(file.pages) > 1 and file.pages[1].shape == file.pages.first.shape
        elif data.startswith(b"\xff\xd8"):
            several = False
        else:
            with Image.open(io.BytesIO(data)) as image:
                several = getattr(image, "is_animated", False)
    except Exception:  # no image, or a damaged one: the reader says so
        several = False
    return (NOTE,) if several else ()
