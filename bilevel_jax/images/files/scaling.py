"""Levels of images: thermal counts and temperatures to the full range of 16 bit, and integers to floats in [0, 1]."""

import numpy as np
from jaxtyping import Float, Float32, Float64, Shaped, UInt, UInt16

from bilevel_jax.errors import InputError

RAW_PERCENTILES = (0.5, 99.5)
RAW_SPREAD = 1 << 14
FULL = 65535.0
FEW_INSIDE = 0.01  # share of an image's pixels inside a range below which the range is doubted


def to_float(array: np.ndarray) -> Float32[np.ndarray, "..."]:
    """Returns float32 in [0, 1]: uint8 over 255, uint16 over 65535, floats as they are; TypeError for other types."""
    if array.dtype in (np.uint8, np.uint16):
        return array.astype(np.float32) / np.float32(np.iinfo(array.dtype).max)
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(f"The image is {array.dtype}; expected uint8, uint16 or float.")
    return array.astype(np.float32)


def scale_raw(
    array: Shaped[np.ndarray, "..."], infrared_range: tuple[float, float] | None = None
) -> UInt[np.ndarray, "..."]:
    """Scales raw thermal counts or temperatures to the full range of uint16; numbers outside the range are clipped.

    Without a range, the image decides. Raw counts fill a small part of the 16 bit: where the 0.5 and the 99.5
    percentile are less than 16,384 apart (the range of a 14 bit sensor), these two become 0 and 65535. Otherwise the
    image is a finished picture and is returned as it is. So is an image whose levels are all multiples of 257, which is
    an 8 bit picture stored as 16 bit. An image of one level becomes 0.

    Floats within [0, 1] are a picture too, of which 1 is 65535. Of all other floats and of negative integers the two
    percentiles always become 0 and 65535. NaN is no number and becomes 0.

    Args:
        array: integers or floats. uint8 holds no raw counts and is returned as it is.
        infrared_range: (low, high) in the unit of the array: the levels that become 0 and 65535.

    Raises:
        InputError: low is not below high.
    """
    if array.dtype == np.uint8:
        return array
    if array.dtype != np.uint16:
        return _scaled_values(array.astype(np.float64), infrared_range)
    if infrared_range is not None:
        return stretched(array, infrared_range, "infrared_range")
    found = raw_range(array)
    return array if found is None else _stretched(array.astype(np.float32), *found)


def raw_range(array: Shaped[np.ndarray, "..."]) -> tuple[float, float] | None:
    """Returns the levels (low, high) that `scale_raw` makes 0 and 65535; None = it changes nothing.

    With the range of pixels of many frames `scale_raw` treats all frames of a video alike.

    Args:
        array: as `scale_raw` takes it.
    """
    if array.dtype == np.uint8:
        return None
    if array.dtype != np.uint16:
        return _range_of_values(array.astype(np.float64))
    low, high = np.percentile(array, RAW_PERCENTILES)
    if high - low >= RAW_SPREAD or not np.any(array % 257):
        return None
    if low == high:
        # A few hot pixels on an even ground: both percentiles are the level of the ground.
        low, high = float(array.min()), max(float(array.max()), float(array.min()) + 1.0)
    return low, high


def _scaled_values(values: Float64[np.ndarray, "..."], given: tuple[float, float] | None) -> UInt16[np.ndarray, "..."]:
    found = _range_of_values(values) if given is None else _checked_range("infrared_range", given)
    if found is None:
        return np.zeros(values.shape, np.uint16)
    low, high = found
    return _stretched(np.nan_to_num(values, nan=low, posinf=high, neginf=low), low, high)


def _range_of_values(values: Float64[np.ndarray, "..."]) -> tuple[float, float] | None:
    """What becomes black and white of floats and of negative integers; None where no value is a number."""
    numbers = values[np.isfinite(values)]
    if not numbers.size:
        return None
    low, high = np.percentile(numbers, RAW_PERCENTILES)
    if numbers.min() >= 0 and numbers.max() <= 1 and high - low >= RAW_SPREAD / FULL:
        return 0.0, 1.0
    if low == high:
        low, high = float(numbers.min()), float(numbers.max())
        high = high if high > low else low + 1.0
    return low, high


def stretched(levels: UInt16[np.ndarray, "..."], given: tuple[float, float], name: str) -> UInt16[np.ndarray, "..."]:
    """Returns uint16 in which the levels (low, high) have become 0 and 65535; others are clipped.

    Raises:
        InputError: low is not below high; the message calls the range `name`.
    """
    return _stretched(levels.astype(np.float32), *_checked_range(name, given))


def note_on_range(array: Shaped[np.ndarray, "..."], given: tuple[float, float], name: str) -> tuple[str, ...]:
    """Returns a note where hardly a pixel of an image is inside its range, such as degrees given for raw counts.

    Args:
        array: levels or temperatures, in the unit of the file.
        given: (low, high) in the same unit.
        name: of the option, for the note.
    """
    inside = np.count_nonzero((array > given[0]) & (array < given[1]))
    if inside >= FEW_INSIDE * np.count_nonzero(np.isfinite(array)):
        return ()
    return (f"has hardly a pixel between --{name}={given[0]:g},{given[1]:g}, which is in the file's own unit",)


def _stretched(levels: Float[np.ndarray, "..."], low: float, high: float) -> UInt16[np.ndarray, "..."]:
    scaled = (levels - levels.dtype.type(low)) * levels.dtype.type(FULL / (high - low))
    return np.rint(np.clip(scaled, 0.0, FULL)).astype(np.uint16)


def _checked_range(name: str, given: tuple[float, float]) -> tuple[float, float]:
    low, high = (float(level) for level in given)
    if not low < high:
        raise InputError(f"{name} is ({low:g}, {high:g}); expected (low, high) in the file's unit with low < high.")
    return low, high
