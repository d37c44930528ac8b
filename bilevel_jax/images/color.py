"""Colour: full-range BT.601 YCbCr (as in JPEG), and a fused luminance turned into a colour image.

Every function takes floats in [0, 1] with channels last. NumPy arrays stay on the host and give NumPy arrays; JAX
arrays give JAX arrays.
"""

from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from bilevel_jax.images.namespace import namespace

ArrayT = TypeVar("ArrayT", np.ndarray, jax.Array)

# Luma weights: ITU-R BT.601-7, 2.5.1. Full-range chroma: ITU-T T.871 (JFIF), centred at 128 / 255, here at 0.5.
RED, GREEN, BLUE = 0.299, 0.587, 0.114
CHROMA_CENTRE = 0.5


def luma(rgb: Float[ArrayT, "*shape 3"]) -> Float[ArrayT, "*shape 1"]:
    """Returns the luminance Y in [0, 1] of an RGB image in [0, 1].

    Raises:
        ValueError: the image has not 3 channels.
        TypeError: the image holds integers.
    """
    _check(rgb, 3)
    return RED * rgb[..., 0:1] + GREEN * rgb[..., 1:2] + BLUE * rgb[..., 2:3]


def rgb_to_ycbcr(rgb: Float[ArrayT, "*shape 3"]) -> Float[ArrayT, "*shape 3"]:
    """Returns the YCbCr image of an RGB image in [0, 1], with chroma centred at 0.5; raises as `luma` does.

    ITU-T T.871, section 7.
    """
    y = luma(rgb)
    cb = (rgb[..., 2:3] - y) * (0.5 / (1.0 - BLUE)) + CHROMA_CENTRE
    cr = (rgb[..., 0:1] - y) * (0.5 / (1.0 - RED)) + CHROMA_CENTRE
    return namespace(rgb).concatenate([y, cb, cr], axis=-1)


def ycbcr_to_rgb(ycbcr: Float[ArrayT, "*shape 3"]) -> Float[ArrayT, "*shape 3"]:
    """Returns the RGB image of a YCbCr image: the inverse of `rgb_to_ycbcr`, and raises as it does.

    The result is not clipped, so it may leave [0, 1].
    """
    _check(ycbcr, 3)
    y = ycbcr[..., 0:1]
    red = y + (ycbcr[..., 2:3] - CHROMA_CENTRE) * (2.0 * (1.0 - RED))
    blue = y + (ycbcr[..., 1:2] - CHROMA_CENTRE) * (2.0 * (1.0 - BLUE))
    green = (y - RED * red - BLUE * blue) * (1.0 / GREEN)
    return namespace(ycbcr).concatenate([red, green, blue], axis=-1)


def fuse_color(fused: Float[ArrayT, "*shape 1"], visible: Float[ArrayT, "*shape 3"]) -> Float[ArrayT, "*shape 3"]:
    """Returns the colour image with the fused luminance u and the visible image's chroma: YCbCr -> RGB of (u, Cb, Cr).

    Args:
        fused: luminance u, which may leave [0, 1].
        visible: RGB in [0, 1].

    Returns:
        RGB, clipped to [0, 1].

    Raises:
        ValueError: a wrong number of channels.
        TypeError: an image holds integers.
    """
    _check(fused, 1)
    space = namespace(fused, visible)
    chroma = rgb_to_ycbcr(visible)[..., 1:]
    return space.clip(ycbcr_to_rgb(space.concatenate([fused, chroma], axis=-1)), 0.0, 1.0)


def _check(array: np.ndarray | jax.Array, channels: int) -> None:
    if array.shape[-1] != channels:
        raise ValueError(f"The last axis has {array.shape[-1]} channels; expected {channels}.")
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise TypeError(f"The image is {array.dtype}; expected floats in [0, 1].")
