"""Radiometric JPEG files of DJI, whose format DJI keeps secret: recognised, and refused with the way out."""

import io
import re
from typing import NoReturn

from PIL import Image

from bilevel_jax.errors import InputError
from bilevel_jax.images.thermal.jpeg_segments import application_segments

_MAKE = 271  # the EXIF tag with the camera's maker
_DATA = (3, 4, 5)  # the APPn segments that hold DJI's counts, parameters and calibration


def recognises(data: bytes, where: str) -> bool:
    """Returns whether these are the bytes of a JPEG of a DJI camera that has measurements beside its picture."""
    segments = list(application_segments(data))
    measured = any(number in _DATA for number, _ in segments)
    return measured and (any(b"drone-dji" in content for _, content in segments) or _made_by_dji(data))


def refuse(data: bytes, where: str) -> NoReturn:
    """Raises the InputError that says how the file is converted."""
    raise InputError(
        f"{where} is a radiometric JPEG of DJI, which only DJI's own program reads; convert it with the DJI Thermal "
        "SDK (dji_irp -a measure --measurefmt float32) and save its numbers as a float32 TIFF or .npy file, or drop "
        "the measurements and keep the picture (exiftool -all= FILE)."
    )


def _made_by_dji(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return re.match("dji", str(image.getexif().get(_MAKE, "")).strip(), re.IGNORECASE) is not None
    except Exception:  # damaged: the reader of pictures says so
        return False
