"""Images with one and with three channels."""

import numpy as np
from jaxtyping import Shaped, UInt

from bilevel_jax.images.color import luma


def one_channel(image: Shaped[np.ndarray, "h w c"]) -> Shaped[np.ndarray, "h w 1"]:
    """Returns the one channel of a grey image, or the luminance of a colour image.

    Args:
        image: uint8 or uint16 with 1 or 3 channels, or other numbers with 1. Three equal channels count as grey.

    Returns:
        The same type; a luminance is rounded, so uint16 counts stay counts.
    """
    if image.shape[-1] == 1:
        return image
    if np.array_equal(image[..., 0], image[..., 1]) and np.array_equal(image[..., 0], image[..., 2]):
        return image[..., :1]
    return np.rint(luma(image.astype(np.float32))).astype(image.dtype)


def three_channels(image: UInt[np.ndarray, "h w c"]) -> UInt[np.ndarray, "h w 3"]:
    """Returns an image with 1 or 3 channels as one with 3; a grey channel is repeated."""
    return np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image
