"""Large images in strips: as floats of three channels they would take much memory at once."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32, Shaped

from bilevel_jax.images.color import luma
from bilevel_jax.images.files import to_float

STRIP = 1 << 18  # pixels of a large image that are computed at once: few, so that they stay in the processor's cache


def strips(height: int, width: int) -> Iterator[slice]:
    """Gives the rows of an image in strips of about `STRIP` pixels."""
    rows = max(1, STRIP // max(width, 1))
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def luminance_of(image: Shaped[np.ndarray, "h w c"]) -> Float32[np.ndarray, "h w 1"]:
    """Returns the luminance in [0, 1] of uint8, uint16 or float in [0, 1], with 1 or 3 channels."""
    light = np.empty((*image.shape[:2], 1), np.float32)
    for rows in strips(*image.shape[:2]):
        part = to_float(image[rows])
        light[rows] = part if part.shape[-1] == 1 else luma(part)
    return light


def is_grey(image: Shaped[np.ndarray, "h w c"]) -> bool:
    """Whether all channels are equal."""
    whole = np.issubdtype(image.dtype, np.integer)
    parts = (image[rows] if whole else to_float(image[rows]) for rows in strips(*image.shape[:2]))
    return image.shape[-1] == 1 or all(bool((part == part[..., :1]).all()) for part in parts)
