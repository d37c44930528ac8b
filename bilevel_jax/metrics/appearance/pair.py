"""What a measure of appearance looks at: a fused image with its two sources, and what is known about them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Shaped, UInt8

from bilevel_jax.errors import InputError
from bilevel_jax.metrics.fusion.pixels import channel_values, gray_levels

Fuse = Callable[[UInt8[np.ndarray, "h w 1"], UInt8[np.ndarray, "h w 3"]], UInt8[np.ndarray, "h w 3"]]


class Means(NamedTuple):
    """The mean grey levels, in 0-255, of the three images of a frame."""

    infrared: float
    visible: float
    fused: float


@dataclass(frozen=True, eq=False)
class FusedPair:
    """A fused image with its sources; `fused_pair` makes it from the pixels of files.

    Attributes:
        infrared: whole grey levels in 0-255.
        visible: RGB in 0-255.
        fused: RGB in 0-255.
        visible_gray: whole grey levels of `visible`.
        fused_gray: whole grey levels of `fused`.
        boxes: y0, x0, y1, x1 of the objects in pixels; None = nobody has annotated the pair.
        previous: the means of the frame before this one in a video; None = the pair has no neighbour.
        fuse: makes `fused` of the sources, or fuses other images in the same way; None = only the image is known. It
            measures anew what it measures on a whole image, such as the exposure.
        exposed_as: function of an infrared image, which returns a `Fuse` with the exposure that was measured on that
            image; None = `fuse` measures no exposure that could be kept.
    """

    infrared: Float64[np.ndarray, "h w"]
    visible: Float64[np.ndarray, "h w 3"]
    fused: Float64[np.ndarray, "h w 3"]
    visible_gray: Float64[np.ndarray, "h w"]
    fused_gray: Float64[np.ndarray, "h w"]
    boxes: Float[np.ndarray, "n 4"] | None = None
    previous: Means | None = None
    fuse: Fuse | None = None
    exposed_as: Callable[[UInt8[np.ndarray, "h w 1"]], Fuse] | None = None

    @cached_property
    def eight_bit(self) -> tuple[UInt8[np.ndarray, "h w 1"], UInt8[np.ndarray, "h w 3"]]:
        """The sources in whole levels, as a `Fuse` takes them."""
        return as_uint8(self.infrared[..., None]), as_uint8(self.visible)

    @cached_property
    def fused_again(self) -> UInt8[np.ndarray, "h w 3"]:
        """What `fuse`, which must be there, makes of `eight_bit`."""
        assert self.fuse is not None
        return self.fuse(*self.eight_bit)

    def fuse_part(
        self, infrared: UInt8[np.ndarray, "h w 1"], visible: UInt8[np.ndarray, "h w 3"]
    ) -> UInt8[np.ndarray, "h w 3"]:
        """Fuses a part of the pair alone, with the exposure of the whole pair; `fuse` must be there."""
        assert self.fuse is not None
        fuse = self.fuse if self.exposed_as is None else self.exposed_as(self.eight_bit[0])
        return fuse(infrared, visible)

    @cached_property
    def means(self) -> Means:
        """The means of the three images, which the next frame is compared with."""
        return Means(*(float(image.mean()) for image in (self.infrared, self.visible_gray, self.fused_gray)))


def fused_pair(
    infrared: Shaped[np.ndarray, "h w *c"],
    visible: Shaped[np.ndarray, "h w *c"],
    fused: Shaped[np.ndarray, "h w *c"],
    boxes: Float[np.ndarray, "n 4"] | None = None,
    previous: Means | None = None,
    fuse: Fuse | None = None,
    exposed_as: Callable[[UInt8[np.ndarray, "h w 1"]], Fuse] | None = None,
) -> FusedPair:
    """The pair that measures of appearance take.

    Args:
        infrared, visible, fused: [H, W], [H, W, 1] or [H, W, 3] of one height and width; uint8, uint16 (divided by
            257), or float in 0-255.
        boxes, previous, fuse, exposed_as: see `FusedPair`.

    Raises:
        InputError: sizes that differ, or what `channel_values` refuses.
    """
    shapes = [np.shape(image)[:2] for image in (infrared, visible, fused)]
    if len(set(shapes)) > 1:
        raise InputError(f"Infrared, visible, fused have the sizes {', '.join(map(str, shapes))}; expected one size.")
    grays = [gray_levels(image) for image in (infrared, visible, fused)]
    return FusedPair(grays[0], _rgb(visible), _rgb(fused), grays[1], grays[2], boxes, previous, fuse, exposed_as)


def as_uint8(image: Float[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w c"]:
    """The image in 0-255 in whole levels, as a `Fuse` takes it."""
    return np.floor(image + 0.5).astype(np.uint8)


def _rgb(image: Shaped[np.ndarray, "h w *c"]) -> Float64[np.ndarray, "h w 3"]:
    values = channel_values(image)
    return values if values.ndim == 3 else np.repeat(values[..., None], 3, axis=-1)
