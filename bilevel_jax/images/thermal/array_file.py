"""Arrays that NumPy saved (.npy): temperatures, counts or pictures."""

import io

import numpy as np

from bilevel_jax.errors import InputError
from bilevel_jax.images.thermal.infrared_image import InfraredImage
from bilevel_jax.images.thermal.measured_values import measured_image
from bilevel_jax.images.thermal.pseudo_color import heat_of_colors

SUFFIX = ".npy"


def recognises(data: bytes, where: str) -> bool:
    """Returns whether these are the bytes of a .npy file."""
    return data.startswith(b"\x93NUMPY") or where.lower().endswith(SUFFIX)


def decode(data: bytes, where: str) -> InfraredImage:
    """Returns the array of a .npy file.

    Raises:
        InputError: the file is damaged, holds Python objects, or is not one image of numbers.
    """
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # np.load raises ValueError, EOFError, OSError, SyntaxError, ... for damaged files
        raise InputError(f"{where} cannot be read as an array, it may be damaged or truncated ({error}).") from error
    if not isinstance(array, np.ndarray):  # a .npz under another name
        raise InputError(f"{where} holds several arrays; expected one array, saved with numpy.save.")
    shape = array.shape
    if array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 2:
        array = array[..., None]
    colored = array.ndim == 3 and array.shape[-1] == 3 and array.dtype in (np.uint8, np.uint16)
    if array.ndim != 3 or not (array.shape[-1] == 1 or colored) or 0 in shape or array.dtype.kind not in "iuf":
        raise InputError(f"{where} holds {array.dtype} numbers of shape {shape}; expected numbers [height, width].")
    return heat_of_colors(array) if colored else measured_image(array, where)
