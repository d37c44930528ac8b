"""Infrared images in the alpha channel of a visible one, as the data set MFNet has them."""

import os

import numpy as np
from jaxtyping import UInt

from bilevel_jax.images.files import read_image

PICTURE_SHARE = 0.5  # of an alpha channel's pixels, at least, that a mask would not have: neither 0 nor opaque


def infrared_in_alpha(path: str | os.PathLike) -> UInt[np.ndarray, "h w 1"] | None:
    """Returns the alpha channel of an image if it is a picture; None without one, and for a mask with or without edges.

    Raises:
        InputError: as `read_image`.
    """
    image = read_image(path, alpha=True)
    if image.shape[-1] not in (2, 4):
        return None
    alpha = image[..., -1:]
    between = (alpha > 0) & (alpha < np.iinfo(alpha.dtype).max)
    return alpha if between.mean() >= PICTURE_SHARE else None
