"""Levels of images: raw thermal counts to the full range of 16 bit, and integers to floats in [0, 1]."""

import numpy as np
from jaxtyping import Float32, UInt

from bilevel_jax.errors import InputError

RAW_PERCENTILES = (0.5, 99.5)
RAW_SPREAD = 1 << 14


def to_float(array: np.ndarray) -> Float32[np.ndarray, "..."]:
    """Returns float32 in [0, 1]: uint8 over 255, uint16 over 65535, floats as they are; TypeError for other types."""
    if array.dtype in (np.uint8, np.uint16):
        return array.astype(np.float32) / np.float32(np.iinfo(array.dtype).max)
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(f"The image is {array.dtype}; expected uint8, uint16 or float.")
    return array.astype(np.float32)


def scale_raw(
    array: UInt[np.ndarray, "..."], infrared_range: tuple[float, float] | None = None
) -> UInt[np.ndarray, "..."]:
    """Scales raw thermal counts to the full range of uint16; counts outside the range are clipped.

    Without a range, the image decides. Raw counts fill a small part of the 16 bit: where the 0.5 and the 99.5
    percentile are less than 16,384 apart (the range of a 14 bit sensor), these two become 0 and 65535. Otherwise the
    image is a finished picture and is returned as it is. So is an image whose levels are all multiples of 257, which is
    an 8 bit picture stored as 16 bit. An image of one level becomes 0.

    Args:
        array: uint16 counts. uint8 holds no raw counts and is returned as it is.
        infrared_range: (low, high) in counts: the levels that become 0 and 65535.

    Raises:
        InputError: low is not below high.
    """
    if array.dtype == np.uint8:
        return array
    if infrared_range is not None:
        low, high = (float(level) for level in infrared_range)
        if not low < high:
            raise InputError(f"infrared_range is ({low:g}, {high:g}); expected (low, high) in counts with low < high.")
    else:
        low, high = np.percentile(array, RAW_PERCENTILES)
        if high - low >= RAW_SPREAD or not np.any(array % 257):
            return array
        if low == high:
            # A few hot pixels on an even ground: both percentiles are the level of the ground.
            low, high = float(array.min()), max(float(array.max()), float(array.min()) + 1.0)
    scaled = (array.astype(np.float32) - np.float32(low)) * np.float32(65535.0 / (high - low))
    return np.rint(np.clip(scaled, 0.0, 65535.0)).astype(np.uint16)
