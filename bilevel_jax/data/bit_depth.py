"""Images with 8 and with 16 bits in one array."""

from collections.abc import Sequence

import numpy as np


def same_depth(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Returns the images as they are, or, where some are uint8 and some uint16, all as uint16 (uint8 times 257)."""
    if len({image.dtype for image in images}) == 1 or {image.dtype.itemsize for image in images} != {1, 2}:
        return list(images)
    return [image.astype(np.uint16) * 257 if image.dtype == np.uint8 else image for image in images]
