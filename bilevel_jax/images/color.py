"""Full-range BT.601 YCbCr (that of JPEG) and the colouring of a fused luminance.

Every function takes floats in [0, 1] with channels last, and returns numpy for numpy (the host's side: nothing is
sent to a device) and a jax array for a jax array.
"""

from types import ModuleType
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

Array = TypeVar("Array", np.ndarray, jax.Array)

# Luma weights: ITU-R BT.601-7, 2.5.1. Full-range chroma: ITU-T T.871 (JFIF), centred at 128 / 255, here at 0.5.
RED, GREEN, BLUE = 0.299, 0.587, 0.114
CHROMA_CENTRE = 0.5


def luma(rgb: Array) -> Array:
    """Luminance Y of an RGB image, [..., 3] in [0, 1] to [..., 1] in [0, 1]; TypeError for integers."""
    _check(rgb, 3)
    return RED * rgb[..., 0:1] + GREEN * rgb[..., 1:2] + BLUE * rgb[..., 2:3]


def rgb_to_ycbcr(rgb: Array) -> Array:
    """RGB to YCbCr (ITU-T T.871, section 7), [..., 3] in [0, 1], chroma centred at 0.5; TypeError for integers."""
    y = luma(rgb)
    cb = (rgb[..., 2:3] - y) * (0.5 / (1.0 - BLUE)) + CHROMA_CENTRE
    cr = (rgb[..., 0:1] - y) * (0.5 / (1.0 - RED)) + CHROMA_CENTRE
    return _namespace(rgb).concatenate([y, cb, cr], axis=-1)


def ycbcr_to_rgb(ycbcr: Array) -> Array:
    """YCbCr to RGB, the inverse of `rgb_to_ycbcr`, [..., 3]; not clipped, so it may leave [0, 1]."""
    _check(ycbcr, 3)
    y = ycbcr[..., 0:1]
    red = y + (ycbcr[..., 2:3] - CHROMA_CENTRE) * (2.0 * (1.0 - RED))
    blue = y + (ycbcr[..., 1:2] - CHROMA_CENTRE) * (2.0 * (1.0 - BLUE))
    green = (y - RED * red - BLUE * blue) * (1.0 / GREEN)
    return _namespace(ycbcr).concatenate([red, green, blue], axis=-1)


def fuse_color(fused: Array, visible: Array) -> Array:
    """The colour image of a fused luminance with the visible image's chroma: YCbCr->RGB of (u, y_Cb, y_Cr), clipped.

    Args:
        fused: luminance u, [..., 1]; it may leave [0, 1].
        visible: RGB, [..., 3] in [0, 1].

    Returns:
        RGB, [..., 3] in [0, 1].
    """
    _check(fused, 1)
    space = _namespace(fused, visible)
    chroma = rgb_to_ycbcr(visible)[..., 1:]
    return space.clip(ycbcr_to_rgb(space.concatenate([fused, chroma], axis=-1)), 0.0, 1.0)


def _namespace(*arrays: Array) -> ModuleType:
    return np if all(isinstance(array, np.ndarray) for array in arrays) else jnp


def _check(array: Array, channels: int) -> None:
    if array.shape[-1] != channels:
        raise ValueError(f"the last axis has {array.shape[-1]} channels, expected {channels}")
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise TypeError(f"the image is {array.dtype}, expected floats in [0, 1]")
