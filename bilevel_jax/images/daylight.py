"""How bright a visible image is, and from which brightness on it was taken by day."""

import numpy as np
from jaxtyping import UInt

from bilevel_jax.images.color import luma

DAY_MEAN = 90  # of 255, the least mean level of a visible image taken by day


def mean_level(visible: UInt[np.ndarray, "h w c"]) -> float:
    """Returns the mean of the whole grey levels, in 0 ... 255, of an image of 8 or 16 bit with 1 or 3 channels.

    Each pixel is rounded before the mean is taken, so that an image of one grey level has exactly this level.
    """
    values = visible.astype(np.float64) / (257.0 if visible.dtype == np.uint16 else 1.0)
    return float(np.floor((luma(values) if values.shape[-1] == 3 else values) + 0.5).mean())
