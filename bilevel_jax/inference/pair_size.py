"""Pairs whose images differ in size: one of them is resized, or the pair is refused."""

import numpy as np
from jaxtyping import UInt
from PIL import Image

from bilevel_jax.errors import InputError

NO_RESIZE = "none"
RESIZE = ("infrared", "visible", NO_RESIZE)  # which image takes the size of the other


def to_one_size(
    infrared: UInt[np.ndarray, "H W c"], visible: UInt[np.ndarray, "h w d"], resize: str
) -> tuple[UInt[np.ndarray, "a b c"], UInt[np.ndarray, "a b d"]]:
    """Returns both images in one size.

    Args:
        infrared, visible: uint8 or uint16, 1 or 3 channels.
        resize: one of `RESIZE`: the image that takes the other's size, by Lanczos' filter.

    Raises:
        InputError: the sizes differ and none is to be resized.
    """
    if infrared.shape[:2] == visible.shape[:2]:
        return infrared, visible
    if resize == "infrared":
        return _resized(infrared, visible.shape[:2]), visible
    if resize == "visible":
        return infrared, _resized(visible, infrared.shape[:2])
    raise InputError(
        f"The infrared image is {infrared.shape[1]} x {infrared.shape[0]} pixels and the visible {visible.shape[1]} x "
        f"{visible.shape[0]}; expected one size, or --resize=infrared or --resize=visible if both show the same view, "
        "or --align=similarity if they do not."
    )


def is_stretched(size: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Says whether the aspect ratios of two sizes (height, width) differ by more than what two pixels make, and 1 %."""
    ratio = (size[0] * other[1]) / (size[1] * other[0])
    return abs(ratio - 1) > max(0.01, 2 / min(*size, *other))


def _resized(image: UInt[np.ndarray, "h w c"], size: tuple[int, ...]) -> UInt[np.ndarray, "a b c"]:
    height, width = size
    planes = [
        np.asarray(Image.fromarray(plane.astype(np.float32)).resize((width, height), Image.Resampling.LANCZOS))
        for plane in np.moveaxis(image, -1, 0)
    ]
    top = np.iinfo(image.dtype).max
    return np.clip(np.floor(np.stack(planes, -1) + 0.5), 0, top).astype(image.dtype)
