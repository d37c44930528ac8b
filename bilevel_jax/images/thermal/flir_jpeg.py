"""Radiometric JPEG files of FLIR, whose temperatures the package flyr reads."""

import io

import numpy as np
from jaxtyping import Float, Float32
from PIL import Image

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import decode_image, encoded_size
from bilevel_jax.images.files.orientation import encoded_orientation, upright
from bilevel_jax.images.thermal.infrared_image import InfraredImage
from bilevel_jax.images.thermal.jpeg_segments import application_segments
from bilevel_jax.images.thermal.measured_values import measured_image
from bilevel_jax.images.thermal.pseudo_color import is_colored

_INSTALL = "pip install 'bilevel-jax[thermal]'"


def recognises(data: bytes, where: str) -> bool:
    """Returns whether these are the bytes of a JPEG file with FLIR's measurements."""
    return any(number == 1 and content.startswith(b"FLIR\0") for number, content in application_segments(data))


def decode(data: bytes, where: str) -> InfraredImage:
    """Returns the temperatures in degrees Celsius, enlarged to the size of the file's picture.

    A camera shows fewer measured than pictured pixels of the same view. With the picture's size the temperatures fit
    the visible image that fitted the picture. Without flyr a grey picture is read as a picture, with a note.

    Raises:
        InputError: the measurements cannot be read; or flyr is not installed and the picture is in colour.
    """
    try:
        import flyr
    except ImportError:
        return _picture(data, where)
    try:
        with np.errstate(all="ignore"):
            celsius = upright(np.asarray(flyr.unpack(io.BytesIO(data)).celsius, np.float32), encoded_orientation(data))
    except Exception as error:  # flyr raises KeyError, struct.error, ... for damaged files
        raise InputError(
            f"{where} is a radiometric JPEG of FLIR whose temperatures cannot be read ({type(error).__name__}: {error})"
            "; expected an undamaged file, as the camera wrote it."
        ) from error
    return measured_image(_enlarged(celsius, encoded_size(data, where))[..., None], where)


def _enlarged(celsius: Float[np.ndarray, "h w"], size: tuple[int, int]) -> Float32[np.ndarray, "H W"]:
    height, width = size
    if celsius.shape == size or celsius.shape[0] * width != celsius.shape[1] * height:
        return celsius
    return np.asarray(Image.fromarray(celsius).resize((width, height), Image.Resampling.BILINEAR))


def _picture(data: bytes, where: str) -> InfraredImage:
    picture = decode_image(data, where)
    if is_colored(picture):
        raise InputError(
            f"{where} is a radiometric JPEG of FLIR, and the package flyr, which reads its temperatures, is not "
            f"installed; install it with {_INSTALL}, or save the picture in grey without measurements."
        )
    return InfraredImage(picture, (f"has temperatures of FLIR beside its picture; to use them: {_INSTALL}",))
