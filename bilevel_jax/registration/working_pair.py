"""The small images of a pair with which a transform is estimated."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Complex64, Float32, Float64, Shaped

from bilevel_jax.errors import InputError
from bilevel_jax.registration.edges import at_most, grey, orientation_field, plain_border
from bilevel_jax.registration.transform import Size, shrunk, whole_frame
from bilevel_jax.registration.warp import sample

SHORTEST = 32  # pixels of the shorter side of an image, below which nothing is estimated


@dataclass(frozen=True)
class WorkingPair:
    """Two luminance images, shrunk, with what leads back to the images that they are of.

    Attributes:
        infrared, visible: [h, w] in [0, 1].
        infrared_factor, visible_factor: (x, y) by which each was shrunk.
        infrared_size, visible_size: (height, width) before that.
    """

    infrared: Float32[np.ndarray, "H W"]
    visible: Float32[np.ndarray, "h w"]
    infrared_factor: tuple[float, float]
    visible_factor: tuple[float, float]
    infrared_size: Size
    visible_size: Size

    @cached_property
    def infrared_picture(self) -> Bool[np.ndarray, "H W"]:
        """Where the infrared image is not a plain border."""
        return ~plain_border(self.infrared)

    @cached_property
    def visible_picture(self) -> Bool[np.ndarray, "h w"]:
        """Where the visible image is not a plain border."""
        return ~plain_border(self.visible)

    @cached_property
    def visible_field(self) -> Complex64[np.ndarray, "h w"]:
        """The visible image's edges."""
        return orientation_field(self.visible, ~self.visible_picture)

    @property
    def start(self) -> Float64[np.ndarray, "3 3"]:
        """The matrix from visible to infrared pixels, of these small images, that lays frame on frame."""
        return self.to_small(whole_frame(self.visible_size, self.infrared_size))

    def to_small(self, matrix: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, "3 3"]:
        """Returns a matrix between the full images as one between the small ones."""
        return np.linalg.inv(shrunk(self.infrared_factor)) @ matrix @ shrunk(self.visible_factor)

    def to_full(self, matrix: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, "3 3"]:
        """Returns a matrix between the small images as one between the full ones."""
        return shrunk(self.infrared_factor) @ matrix @ np.linalg.inv(shrunk(self.visible_factor))

    def moved_field(self, matrix: Float64[np.ndarray, "3 3"]) -> Complex64[np.ndarray, "h w"]:
        """Returns the edges of the infrared image after it has been moved onto the visible one by this matrix."""
        moved, covered = sample(self.infrared, matrix, self.visible.shape)
        if not self.infrared_picture.all():
            picture, _ = sample(self.infrared_picture.astype(np.float32), matrix, self.visible.shape)
            covered = covered & (picture > 0.999)
        return orientation_field(moved, ~covered)


def working_pair(
    infrared: Shaped[np.ndarray, "H W *c"], visible: Shaped[np.ndarray, "h w *d"], side: int
) -> WorkingPair:
    """Returns the small images of a pair.

    Args:
        infrared, visible: uint8, uint16 or float in [0, 1], of any two sizes, with no, 1 or 3 channels.
        side: longest side of the small visible image, in pixels. The infrared image becomes so small that one of its
            pixels is about one of the visible image's where frame lies on frame.

    Raises:
        InputError: an image is too small, or has another shape, type or range.
    """
    for name, image in (("infrared", infrared), ("visible", visible)):
        if min(image.shape[:2]) < SHORTEST:
            raise InputError(
                f"The {name} image is {image.shape[1]} x {image.shape[0]} pixels, too small to be aligned; expected at "
                f"least {SHORTEST} x {SHORTEST}."
            )
    ir, vis = grey(infrared), grey(visible)
    small, factor = at_most(vis, side)
    scale = whole_frame(vis.shape, ir.shape)[0, 0]
    longest = max(SHORTEST, round(max(ir.shape) / (scale * min(factor))))
    small_ir, ir_factor = at_most(ir, longest)
    return WorkingPair(small_ir, small, ir_factor, factor, ir.shape, vis.shape)
