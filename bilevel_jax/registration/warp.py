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


class InfraredMover:
    """Moves the infrared images of one transform, whose places are worked out once.

    Args:
        transform: where the pixels of the visible image lie in the infrared image.
    """

    def __init__(self, transform: Transform):
        self.transform = transform
        self._shrink = _whole_factor(transform)
        matrix = np.linalg.inv(shrunk((self._shrink, self._shrink))) @ transform.matrix
        self._places = _places(matrix, transform.visible_size)

    def image(self, infrared: Shaped[np.ndarray, "H W *c"]) -> Shaped[np.ndarray, "h w c"]:
        """Returns an infrared image with the visible image's height and width, of its own type.

        Where there is no data the nearest data is repeated. An infrared image with more than 1.5 pixels for one of the
        visible image is averaged first.

        Args:
            infrared: uint8, uint16 or float in [0, 1], with no, 1 or 3 channels.

        Raises:
            InputError: the infrared image has not the size that the transform is for.
        """
        self.check_size(infrared)
        planes = infrared.reshape(*infrared.shape[:2], -1)
        moved = [_at(self._shrunk(plane), self._places) for plane in np.moveaxis(planes, -1, 0).astype(np.float32)]
        image = np.stack(moved, -1)
        if not np.issubdtype(infrared.dtype, np.floating):
            image = np.floor(image + 0.5)
        return image.astype(infrared.dtype)

    def check_size(self, infrared: Shaped[np.ndarray, "H W *c"]) -> None:
        """Raises InputError where an infrared image has not the size that the transform is for."""
        _check_size("infrared", infrared, self.transform.infrared_size)

    def covered(self, black: Bool[np.ndarray, "H W"]) -> Bool[np.ndarray, "h w"]:
        """Returns where a moved infrared image has data.

        Args:
            black: where the infrared image has black bars and wedges, which count as no data; see
                `edges.black_border`.
        """
        height, width = (-(-side // self._shrink) for side in self.transform.infrared_size)
        covered = _inside(self._places, (height, width))
        if black.any():
            places = _places(self.transform.matrix, self.transform.visible_size)
            covered &= _at((~black).astype(np.float32), places) > 0.999
        return covered

    def _shrunk(self, plane: Float32[np.ndarray, "H W"]) -> Float32[np.ndarray, "a b"]:
        return np.asarray(Image.fromarray(plane).reduce(self._shrink)) if self._shrink > 1 else plane


def check_visible_size(visible: Shaped[np.ndarray, "h w *c"], transform: Transform) -> None:
    """Raises InputError where a visible image has not the size that a transform is for."""
    _check_size("visible", visible, transform.visible_size)


def _check_size(which: str, image: Shaped[np.ndarray, "h w *c"], size: Size) -> None:
    if image.shape[:2] != size:
        raise InputError(
            f"The {which} image is {image.shape[1]} x {image.shape[0]} pixels, but the transform is for "
            f"{size[1]} x {size[0]}; expected images of the same camera."
        )


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
    mover = InfraredMover(transform)
    return MovedInfrared(mover.image(infrared), mover.covered(black_border(grey(infrared))))


def sample(
    image: Float32[np.ndarray, "H W"], matrix: Float64[np.ndarray, "3 3"], size: Size
) -> tuple[Float32[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Returns an image's values at the places to which a matrix maps the pixels (x, y) of a grid of this size.

    Beyond the image its border is repeated. The second result says where there is an image.
    """
    places = _places(matrix, size)
    return _at(image, places), _inside(places, image.shape)


class _Places(NamedTuple):
    """Where the pixels of a grid lie in an image: row and column of each, and whether it lies before the camera."""

    row: Float64[np.ndarray, "h w"]
    column: Float64[np.ndarray, "h w"]
    ahead: Bool[np.ndarray, "h w"]


def _places(matrix: Float64[np.ndarray, "3 3"], size: Size) -> _Places:
    height, width = size
    y, x = np.arange(height)[:, None], np.arange(width)[None]
    u, v, w = (row[0] * x + row[1] * y + row[2] for row in matrix)
    ahead = w > 1e-6
    w = np.where(ahead, w, 1.0)
    return _Places(v / w, u / w, ahead)


def _at(image: Float32[np.ndarray, "H W"], places: _Places) -> Float32[np.ndarray, "h w"]:
    return ndimage.map_coordinates(image, [places.row, places.column], order=1, mode="nearest")


def _inside(places: _Places, size: tuple[int, ...]) -> Bool[np.ndarray, "h w"]:
    row, column, ahead = places
    return ahead & (column >= -0.5) & (column <= size[1] - 0.5) & (row >= -0.5) & (row <= size[0] - 0.5)


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
