"""Pictures as data URIs of limited size."""

import base64
import io

import numpy as np
from PIL import Image

from bilevel_jax.report.picture_sheet import to_rgb

QUALITY = 90
# Small pictures are stored without loss: WebP's blur is visible when a few thousand pixels are enlarged.
LOSSLESS_PIXELS = 160 * 120


def data_uri(picture: Image.Image) -> str:
    """The picture as WebP in a data URI: lossless if it is small, otherwise of quality 90."""
    stream = io.BytesIO()
    exact = picture.width * picture.height <= LOSSLESS_PIXELS
    picture.save(stream, "WEBP", lossless=exact, quality=60 if exact else QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def bounded(image: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """Any image of a `Picture` as an RGB picture of the given (width, height) in pixels.

    Raises:
        InputError: the image has another shape than [H, W], [H, W, 1] or [H, W, 3].
    """
    picture = Image.fromarray(to_rgb(image))
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)


def fitting(height: int, width: int, max_side: int) -> tuple[int, int]:
    """(width, height) of a picture after scaling it down until no side is longer than `max_side`; never enlarged."""
    scale = min(1.0, max_side / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))
