"""What is checked of an image that is given as an array; NumPy alone, so that `serving.OnnxFuser` needs no JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bilevel_jax.errors import InputError

if TYPE_CHECKING:  # not needed to run
    from jaxtyping import Shaped

CHANNELS = (1, 3)


def is_channels_first(image: Shaped[np.ndarray, "*shape"]) -> bool:
    """Whether the array is [1 or 3, H, W]. Where the last axis could be channels too, it is."""
    return image.ndim == 3 and image.shape[0] in CHANNELS and image.shape[-1] not in CHANNELS


def check_levels(image: Shaped[np.ndarray, "*shape"], subject: str) -> None:
    """Checks the type and the range of an image.

    Args:
        image: of any shape, not empty.
        subject: of the message, such as "The infrared image".

    Raises:
        InputError: the array holds neither uint8, uint16 nor floats in [0, 1].
    """
    if image.dtype in (np.uint8, np.uint16):
        return
    if not np.issubdtype(image.dtype, np.floating):
        raise InputError(f"{subject} has the type {image.dtype}; expected uint8, uint16 or float in [0, 1].")
    low, high = np.float32(image.min()), np.float32(image.max())
    if not (low >= 0 and high <= 1):  # written so that NaN is refused too
        raise InputError(f"{subject} has values {low:g} ... {high:g}; expected floats in [0, 1].")
