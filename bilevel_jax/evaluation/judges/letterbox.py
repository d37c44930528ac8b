"""Scales an image to the input of a judge without distortion, and boxes back to the image."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Num, UInt, UInt8

from bilevel_jax.images.bilinear import FLOAT_ERROR, bilinear_weights


class Placement(NamedTuple):
    """Where an image lies in a judge's input: input pixel = scale * image pixel + offset.

    Attributes:
        scale: of both sides.
        top, left: offsets in pixels of the input.
    """

    scale: float
    top: int
    left: int

    def to_image(self, boxes: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n 4"]:
        """Returns yxyx boxes of the input in the pixels of the image."""
        return (boxes - np.array([self.top, self.left] * 2, boxes.dtype)) / np.asarray(self.scale, boxes.dtype)


def letterbox(
    image: UInt[np.ndarray, "h w c"], height: int, width: int, *, fill: float, centred: bool
) -> tuple[Float32[np.ndarray, "height width c"], Placement]:
    """Scales an image until it just fits, and fills the rest.

    Args:
        image: uint8 or uint16.
        height, width: of the judge's input in pixels.
        fill: level of the rest, in 0 ... 255.
        centred: the image lies in the middle; else at the top left.

    Returns:
        The levels of 8 bit, whole numbers in 0 ... 255, and where the image lies.
    """
    scale = min(height / image.shape[0], width / image.shape[1])
    inner = [max(1, round(side * scale)) for side in image.shape[:2]]
    top, left = ((height - inner[0]) // 2, (width - inner[1]) // 2) if centred else (0, 0)
    result = np.full((height, width, image.shape[-1]), fill, np.float32)
    result[top : top + inner[0], left : left + inner[1]] = resized(eight_bit(image), *inner)
    return result, Placement(scale, top, left)


def resized(
    image: Num[np.ndarray, "h w c"], height: int, width: int, *, whole: bool = True
) -> Float32[np.ndarray, "height width c"]:
    """Returns an image scaled bilinearly without smoothing, as OpenCV's INTER_LINEAR.

    Args:
        image: of any type and range.
        height, width: of the result in pixels.
        whole: whether levels are rounded to the nearest whole number.
    """
    rows, columns = bilinear_weights(image.shape[0], height), bilinear_weights(image.shape[1], width)
    scaled = np.einsum("ih,hwc->iwc", rows, image.astype(np.float32), optimize=True)
    scaled = np.einsum("jw,iwc->ijc", columns, scaled, optimize=True)
    return np.floor(scaled + 0.5 + FLOAT_ERROR) if whole else scaled


def eight_bit(image: UInt[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w c"]:
    """Returns an image in 8 bit; the levels of 16 bit are divided by 257 and rounded."""
    if image.dtype == np.uint8:
        return image
    return ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
