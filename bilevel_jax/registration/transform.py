"""How an infrared image lies on its visible image: the one declaration of direction and units."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from bilevel_jax.errors import InputError

Size = tuple[int, int]  # height and width in pixels


@dataclass(frozen=True, eq=False)
class Transform:
    """Says where each pixel of a visible image lies in its infrared image. The infrared image is the one that moves.

    Points are (x, y): x to the right, y downwards, and (0, 0) is the centre of the top left pixel. A point of the
    visible image is counted in pixels of the visible image, a point of the infrared image in pixels of the infrared
    image, which may have another size.

    Attributes:
        kind: name of the kind of transform, of `kinds.KINDS`.
        matrix: [3, 3]; (x, y, 1) of the visible image times it is (u w, v w, w), where (u, v) is the infrared point.
        visible_size, infrared_size: (height, width) of the images that it holds for.

    Raises:
        InputError: the matrix is not a finite [3, 3] matrix that can be inverted, or a size is not positive.
    """

    kind: str
    matrix: Float64[np.ndarray, "3 3"]
    visible_size: Size
    infrared_size: Size

    def __post_init__(self) -> None:
        matrix = np.asarray(self.matrix, np.float64)
        if matrix.shape != (3, 3) or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-9:
            raise InputError("The matrix of a transform must be 3 x 3, finite and invertible.")
        if min(*self.visible_size, *self.infrared_size) < 1:
            raise InputError(f"The sizes {self.visible_size} and {self.infrared_size} of a transform must be positive.")
        object.__setattr__(self, "matrix", matrix)

    def to_infrared(self, points: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
        """Returns where points (x, y) of the visible image lie in the infrared image, each in its image's pixels."""
        return apply_matrix(self.matrix, points)

    def to_visible(self, points: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
        """Returns where points (x, y) of the infrared image lie in the visible image, each in its image's pixels."""
        return apply_matrix(np.linalg.inv(self.matrix), points)


def apply_matrix(matrix: Float64[np.ndarray, "3 3"], points: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
    """Returns points (x, y) mapped by a [3, 3] matrix, the third coordinate divided out."""
    mapped = np.concatenate([points, np.ones((len(points), 1))], 1) @ matrix.T
    return mapped[:, :2] / mapped[:, 2:]


def corners(size: Size) -> Float64[np.ndarray, "4 2"]:
    """Returns the centres (x, y) of the four corner pixels of an image of this (height, width)."""
    height, width = size
    return np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]], np.float64)


def corner_distance(one: Transform, other: Transform) -> float:
    """Returns how far two transforms of one pair disagree: the mean over the visible image's corners, in its pixels.

    Each corner goes to the infrared image by `other` and back by `one`.
    """
    start = corners(one.visible_size)
    return float(np.linalg.norm(one.to_visible(other.to_infrared(start)) - start, axis=1).mean())


def shrunk(factor: tuple[float, float]) -> Float64[np.ndarray, "3 3"]:
    """Returns the matrix from pixels of an image that was shrunk by (factor in x, factor in y) to its own pixels."""
    x, y = factor
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]])


def whole_frame(visible_size: Size, infrared_size: Size) -> Float64[np.ndarray, "3 3"]:
    """Returns the matrix with which an estimate starts: the two frames lie over each other, centre on centre.

    Frames of one aspect ratio, up to 2 %, are stretched over each other. Otherwise pixels stay square, and the scale
    is the geometric mean of the ratios of the heights and of the widths.
    """
    y, x = (infrared / visible for infrared, visible in zip(infrared_size, visible_size, strict=True))
    if abs(x / y - 1) > 0.02:
        x = y = float(np.sqrt(x * y))
    centre_out = [(infrared_size[1] - 1) / 2, (infrared_size[0] - 1) / 2]
    centre_in = [(visible_size[1] - 1) / 2, (visible_size[0] - 1) / 2]
    return np.array([[x, 0, centre_out[0] - x * centre_in[0]], [0, y, centre_out[1] - y * centre_in[1]], [0, 0, 1.0]])
