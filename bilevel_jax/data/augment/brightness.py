"""Another exposure of an image: all its values times one factor."""

import numpy as np
from jaxtyping import UInt


def scale_brightness(image: UInt[np.ndarray, "*s"], factor: float) -> UInt[np.ndarray, "*s"]:
    """Multiplies an image by a factor, so that black stays black, as it does in another exposure.

    Args:
        image: uint8 or uint16.
        factor: at least 0.

    Returns:
        The same type, rounded and clipped to its range.
    """
    top = np.iinfo(image.dtype).max
    if image.dtype == np.uint8:
        levels = np.arange(top + 1, dtype=np.float32)
        return np.take(np.rint(np.minimum(levels * factor, top)).astype(np.uint8), image)
    return np.rint(np.minimum(image * np.float32(factor), np.float32(top))).astype(image.dtype)
