"""Numbers that a camera's program measured: pixels without a value are marked, and said."""

import numpy as np
from jaxtyping import Shaped

from bilevel_jax.errors import InputError
from bilevel_jax.images.thermal.infrared_image import InfraredImage

# What programs write where they have no temperature. None of them can be a temperature in any unit.
_NO_VALUE = (-9999.0, -32767.0, -32768.0, float(np.finfo(np.float32).min), float(np.finfo(np.float32).max))


def measured_image(array: Shaped[np.ndarray, "h w 1"], where: str, no_value: float | None = None) -> InfraredImage:
    """Returns measured numbers as an infrared image.

    Args:
        array: integers or floats.
        where: names the file in messages.
        no_value: the number that stands for "no value" in this file, where the file says one.

    Returns:
        uint8 and uint16 as they are; signed integers that uint16 can hold as uint16; other integers as int64; floats as
        float32, with NaN where there is no value, and with a note on these pixels.

    Raises:
        InputError: no pixel has a value.
    """
    if array.dtype.kind in "iu" and no_value is None:
        return InfraredImage(_plain_integers(array))
    missing = ~np.isfinite(array)
    if array.dtype.kind == "f":
        missing |= np.isin(array, np.array(_NO_VALUE, array.dtype) if array.dtype != np.float16 else _NO_VALUE[:3])
    if no_value is not None and np.isfinite(no_value):
        missing |= array == no_value
    count = int(missing.sum())
    if count == array.size:
        raise InputError(f"{where} holds no temperature, all its {count} pixels are without a value; expected numbers.")
    if not count and array.dtype.kind in "iu":
        return InfraredImage(_plain_integers(array))
    values = np.where(missing, np.nan, array).astype(np.float32)
    note = "has pixels without a value (NaN or the file's mark for it), which are taken as the coldest"
    return InfraredImage(values, note if count else "")


def _plain_integers(array: Shaped[np.ndarray, "h w 1"]) -> Shaped[np.ndarray, "h w 1"]:
    if array.dtype == np.uint8:
        return array
    if array.min() >= 0 and array.max() <= np.iinfo(np.uint16).max:
        return array.astype(np.uint16)
    return array.astype(np.int64)
