"""Moving an infrared image onto its visible image."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Shaped
from PIL import Image
from scipy import ndimage

from bilevel_jax.errors import InputError
from bilevel_jax.registration.edges import black_border, grey
from bilevel_jax.registration.transform import Size, Transform, shrunk

_FADE = 8  # pixels beside the part without infrared data in which the fused picture turns into the visible image


class MovedInfrared(NamedTuple):
    """An infrared image on the pixels of its visible image.

    Fields:
        image: [h, w, c] with the visible image's height and width, of the infrared image's type. Where there is no data
            the nearest data is repeated.
        covered: [h, w]; whether the infrared image has data there.
    """

    image: Shaped[np.ndarray, "h w c"]
    covered: Bool[np.ndarray, "h w"]


def move_infrared(infrared: Shaped[np.ndarray, "H W *c"], transform: Transform) -> MovedInfrared:
    """Moves an infrared image onto its visible image, between the nearest pixels.

    An infrared image with more than 1.5 pixels for one of the visible image is averaged first. Its black bars and
    wedges count as no data (`edges.black_border`).

    Args:
        infrared: uint8, uint16 or float in [0, 1], with no, 1 or 3 channels.
        transform: of images of these sizes.

    Raises:
        InputError: the infrared image has not the size that the transform is for, or another shape, type or range.
    """
    if infrared.shape[:2] != transform.infrared_size:
        raise InputError(
            f"The infrared image is {infrared.shape[1]} x {infrared.shape[0]} pixels, but the transform is for "
            f"{transform.infrared_size[1]} x {transform.infrared_size[0]}; expected images of the same camera."
        )
    planes = infrared.reshape(*infrared.shape[:2], -1)
    matrix = transform.matrix
    shrink = _whole_factor(transform)
    moved = []
    for plane in np.moveaxis(planes, -1, 0).astype(np.float32):
        if shrink > 1:
            plane = np.asarray(Image.fromarray(plane).reduce(shrink))
        level, covered = sample(plane, np.linalg.inv(shrunk((shrink, shrink))) @ matrix, transform.visible_size)
        moved.append(level)
    image = np.stack(moved, -1)
    if not np.issubdtype(infrared.dtype, np.floating):
        image = np.floor(image + 0.5)
    black = black_border(grey(infrared))
    if black.any():
        picture, _ = sample((~black).astype(np.float32), matrix, transform.visible_size)
        covered &= picture > 0.999
    return MovedInfrared(image.astype(infrared.dtype), covered)


def sample(
    image: Float32[np.ndarray, "H W"], matrix: Float64[np.ndarray, "3 3"], size: Size
) -> tuple[Float32[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Returns an image's values at the places to which a matrix maps the pixels (x, y) of a grid of this size.

    Beyond the image its border is repeated. The second result says where there is an image.
    """
    height, width = size
    y, x = np.arange(height)[:, None], np.arange(width)[None]
    u, v, w = (row[0] * x + row[1] * y + row[2] for row in matrix)
    ahead = w > 1e-6  # the rest lies behind the camera
    w = np.where(ahead, w, 1.0)
    u, v = u / w, v / w
    covered = ahead & (u >= -0.5) & (u <= image.shape[1] - 0.5) & (v >= -0.5) & (v <= image.shape[0] - 0.5)
    return ndimage.map_coordinates(image, [v, u], order=1, mode="nearest"), covered


def infrared_share(covered: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """Returns the share of the fused picture in [0, 1]: 0 without infrared data, and 1 from 8 pixels beside that on."""
    if covered.all():
        return np.ones(covered.shape, np.float32)
    return np.clip(ndimage.distance_transform_edt(covered) / _FADE, 0, 1).astype(np.float32)


def _whole_factor(transform: Transform) -> int:
    """By what the infrared image is shrunk before it is moved: its pixels for one of the visible image's."""
    height, width = transform.visible_size
    middle = np.array([[width / 2, height / 2], [width / 2 + 1, height / 2], [width / 2, height / 2 + 1]])
    with np.errstate(all="ignore"):  # the middle may lie at infinity
        points = transform.to_infrared(middle)
        density = np.linalg.norm(points[1:] - points[0], axis=1).min()
    return int(np.floor(density + 0.5)) if 1.5 < density < min(transform.infrared_size) else 1
