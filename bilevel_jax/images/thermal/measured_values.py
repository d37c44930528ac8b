"""Numbers that a camera's program measured: pixels without a value are marked, and said."""

import numpy as np
from jaxtyping import Bool, Shaped

from bilevel_jax.errors import InputError
from bilevel_jax.images.thermal.infrared_image import InfraredImage

# What programs write where they have no temperature. None of them can be a temperature in any unit. -273.15 is 0 kelvin
# in degrees Celsius, to which the programs of FLIR and others turn a missing count, and -459.67 in Fahrenheit.
_NO_VALUE = (
    *(-273.15, -459.67, -9999.0, -32767.0, -32768.0),
    *(float(np.finfo(np.float32).min), float(np.finfo(np.float32).max)),
)
# Zeros are no values where every other number is above this and far above their spread: kelvin, or counts of kelvin.
_ABOVE_ZERO = 100.0


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
    if array.dtype in (np.uint8, np.uint16) and no_value is None:
        return InfraredImage(array)
    missing = ~np.isfinite(array)
    if array.dtype.kind == "f":
        known = [number for number in _NO_VALUE if abs(number) <= float(np.finfo(array.dtype).max)]
        missing |= np.isin(array, np.array(known, array.dtype))
    if no_value is not None and np.isfinite(no_value):
        missing |= array == no_value
    missing |= _are_fill(array, missing)
    count = int(missing.sum())
    if count == array.size:
        raise InputError(f"{where} holds no temperature, all its {count} pixels are without a value; expected numbers.")
    if not count and array.dtype.kind in "iu":
        return InfraredImage(_plain_integers(array))
    values = np.where(missing, np.nan, array).astype(np.float32)
    note = "has pixels without a value (NaN, or a number that marks them), which are taken as the coldest"
    return InfraredImage(values, (note,) if count else ())


def _are_fill(array: Shaped[np.ndarray, "h w 1"], missing: Bool[np.ndarray, "h w 1"]) -> Bool[np.ndarray, "h w 1"]:
    """Says which zeros fill the place of numbers, as programs write them around an image that was turned or warped."""
    zero = (array == 0) & ~missing
    others = array[~zero & ~missing]
    if not zero.any() or not others.size:
        return np.zeros_like(zero)
    low, high = float(others.min()), float(others.max())
    return zero if low > _ABOVE_ZERO and high - low < low else np.zeros_like(zero)


def _plain_integers(array: Shaped[np.ndarray, "h w 1"]) -> Shaped[np.ndarray, "h w 1"]:
    if array.min() >= 0 and array.max() <= np.iinfo(np.uint16).max:
        return array.astype(np.uint16)
    return array.astype(np.int64)
