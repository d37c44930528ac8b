"""Pixels of a file as the values that the measures take: grey levels, or channels in 0-255."""

import numpy as np
from jaxtyping import Float, Shaped

from bilevel_jax.errors import InputError

LUMA_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R BT.601
TYPES = "expected uint8, uint16 or float in 0-255"


def channel_values(image: Shaped[np.ndarray, "h w *c"]) -> Float[np.ndarray, "h w *c"]:
    """The image in 0-255, not rounded, with its channels: float64 [H, W] or [H, W, 3].

    Args:
        image: [H, W], [H, W, 1] or [H, W, 3]; uint8, uint16 (divided by 257), or float in 0-255.

    Raises:
        InputError: another shape or type, or a value that is not finite.
    """
    image = np.asarray(image)
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[-1] not in (1, 3)) or 0 in image.shape:
        raise InputError(f"An image has the shape {image.shape}; expected [H, W], [H, W, 1] or [H, W, 3], not empty.")
    if image.dtype not in (np.uint8, np.uint16) and not np.issubdtype(image.dtype, np.floating):
        raise InputError(f"An image has the type {image.dtype}; {TYPES}.")
    values = image.astype(np.float64) / (257.0 if image.dtype == np.uint16 else 1.0)
    if not np.isfinite(values).all():
        raise InputError(f"An image has NaN or infinite pixels; {TYPES}.")
    return values[..., 0] if values.shape[2:] == (1,) else values


def gray_levels(image: Shaped[np.ndarray, "h w *c"]) -> Float[np.ndarray, "h w"]:
    """The image as one channel of whole grey levels in 0-255, float64: floor(0.299 R + 0.587 G + 0.114 B + 0.5).

    A one-channel image is rounded in the same way, so a grey picture that is stored in colour has the same levels.

    Args:
        image: as for `channel_values`.

    Raises:
        InputError: as for `channel_values`.
    """
    values = channel_values(image)
    return np.floor((values @ np.array(LUMA_WEIGHTS) if values.ndim == 3 else values) + 0.5)
