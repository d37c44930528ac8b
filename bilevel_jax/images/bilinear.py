"""Images scaled as OpenCV's INTER_LINEAR scales them: between the two nearest pixels, also where an image shrinks."""

import numpy as np
from jaxtyping import Float32

# Of a level of 8 bit. Many pixels lie exactly between two levels (one of 676 for 320 -> 416), and there the rounding
# error of float32 must not decide. This is more than that error, and less than the distance between the levels that
# the interpolation makes.
FLOAT_ERROR = 1e-3


def bilinear_weights(old: int, new: int) -> Float32[np.ndarray, "new old"]:
    """Returns the weights of each old pixel in each new one; pixels beyond the border repeat it.

    Args:
        old: length of a side of the image, in pixels.
        new: length of this side of the result, in pixels.
    """
    place = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    low = np.minimum(place.astype(np.int64), max(0, old - 2))
    share = (place - low).astype(np.float32)
    weights = np.zeros((new, old), np.float32)
    weights[np.arange(new), np.minimum(low + 1, old - 1)] = share
    weights[np.arange(new), low] += 1 - share
    return weights
