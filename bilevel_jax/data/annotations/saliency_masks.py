"""The saliency m of a pair as an 8-bit map: read from a mask file, or computed from the images."""

import numpy as np
from jaxtyping import UInt, UInt8

from bilevel_jax.data.channels import one_channel, three_channels
from bilevel_jax.images.color import luma
from bilevel_jax.images.files import to_float
from bilevel_jax.images.saliency import infrared_saliency


def computed_saliency(
    ir: UInt[np.ndarray, "h w 1"], vis: UInt[np.ndarray, "h w c"], method: str
) -> UInt8[np.ndarray, "h w 1"]:
    """Computes the saliency m in [0, 1] of a pair and returns 255 m, rounded.

    Args:
        ir: infrared image.
        vis: visible image with 1 or 3 channels.
        method: a name in `images.saliency.METHODS`.
    """
    saliency = infrared_saliency(ir[..., 0], luma(to_float(three_channels(vis)))[..., 0], method)
    return np.rint(saliency * 255.0).astype(np.uint8)[..., None]


def mask_as_saliency(mask: UInt[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w 1"]:
    """Returns a mask file's picture (1 or 3 channels, 8 or 16 bit) as an 8-bit saliency map."""
    mask = one_channel(mask)
    return mask if mask.dtype == np.uint8 else (mask >> 8).astype(np.uint8)
