"""What every fuser does: two images of any size, depth and colour in, one image of the visible one's kind out."""

import abc
import copy
from typing import Self

import numpy as np
from jaxtyping import Float32, Shaped

from bilevel_jax.errors import InputError
from bilevel_jax.images.color import luma
from bilevel_jax.images.color_methods import DEFAULT_COLOR, color_method
from bilevel_jax.images.files import to_float


class ImageFuser(abc.ABC):
    """Fuses arrays. A subclass says how two luminance images become one.

    Attributes:
        color: name of the method that colours the fused luminance, of `images.color_methods`.
    """

    color: str = DEFAULT_COLOR

    def with_color(self, name: str) -> Self:
        """Returns the same fuser with another colour method; both share their compiled programs.

        Raises:
            InputError: the name is not in `images.color_methods.COLOR_METHODS`.
        """
        color_method(name)
        other = copy.copy(self)
        other.color = name
        return other

    def fuse(
        self, infrared: Shaped[np.ndarray, "h w *c"], visible: Shaped[np.ndarray, "h w *c"]
    ) -> Shaped[np.ndarray, "h w *c"]:
        """Returns the fused image, with the visible image's shape and type; it is in colour where the visible one is.

        Args:
            infrared: [H, W], [H, W, 1] or [H, W, 3]; uint8, uint16 or float in [0, 1]. The luminance of colour is
                taken. Scale raw thermal counts first: `images.files.scale_raw`.
            visible: an image of the same kinds, height and width.

        Returns:
            uint8, uint16 or float in [0, 1], as `visible`. Levels are rounded to the nearest.

        Raises:
            InputError: the sizes differ, or an array has another shape, type or range.
        """
        ir, vis = _checked(infrared, "infrared"), _checked(visible, "visible")
        if ir.shape[:2] != vis.shape[:2]:
            raise InputError(
                f"The infrared image is {ir.shape[1]} x {ir.shape[0]} pixels and the visible {vis.shape[1]} x "
                f"{vis.shape[0]}; expected one size (registered images)."
            )
        # A grey image that is stored in colour must stay grey: rounding in luma and chroma could tint it.
        if (vis == vis[..., :1]).all():
            vis = vis[..., :1]
        fused = self.luminance(ir[None], vis[None])[0]
        if vis.shape[-1] == 3:
            fused = color_method(self.color)(fused, vis)
        fused = np.clip(fused, 0.0, 1.0)
        kind = np.asarray(visible).dtype
        if not np.issubdtype(kind, np.floating):
            fused = np.floor(fused * float(np.iinfo(kind).max) + 0.5)
        if np.size(visible) > fused.size:
            fused = np.repeat(fused, 3, axis=-1)
        return fused.reshape(np.shape(visible)).astype(kind)

    def luminance(
        self, infrared: Float32[np.ndarray, "b h w c"], visible: Float32[np.ndarray, "b h w c"]
    ) -> Float32[np.ndarray, "b h w 1"]:
        """Returns the fused luminance of a batch, not clipped.

        Args:
            infrared, visible: [B, H, W, 1 or 3] in [0, 1]. The luminance of colour is taken.
        """
        ir, vis = (image if image.shape[-1] == 1 else luma(image) for image in (infrared, visible))
        return self._fuse_luminance(ir, vis)

    @abc.abstractmethod
    def _fuse_luminance(
        self, infrared: Float32[np.ndarray, "b h w 1"], visible: Float32[np.ndarray, "b h w 1"]
    ) -> Float32[np.ndarray, "b h w 1"]:
        """Returns the fused luminance of two batches of luminance images in [0, 1], not clipped."""


def _checked(image: np.ndarray, which: str) -> Float32[np.ndarray, "h w c"]:
    """Returns the image as float32 [H, W, 1 or 3] in [0, 1]."""
    image = np.asarray(image)
    shaped = image[..., None] if image.ndim == 2 else image
    if shaped.ndim != 3 or shaped.shape[-1] not in (1, 3) or 0 in shaped.shape:
        raise InputError(f"The {which} image has the shape {image.shape}; expected [H, W], [H, W, 1] or [H, W, 3].")
    if image.dtype not in (np.uint8, np.uint16) and not np.issubdtype(image.dtype, np.floating):
        raise InputError(f"The {which} image has the type {image.dtype}; expected uint8, uint16 or float in [0, 1].")
    values = to_float(shaped)
    # Written so that NaN is refused too.
    if not (values.min() >= 0 and values.max() <= 1):
        raise InputError(
            f"The {which} image has values {values.min():g} ... {values.max():g}; expected floats in [0, 1]."
        )
    return values
