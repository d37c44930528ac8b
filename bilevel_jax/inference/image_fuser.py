"""What every fuser does: two images of any size, depth and colour in, one image of the visible one's kind out."""

import abc
import copy
from typing import Self

import numpy as np
from jaxtyping import Float32, Shaped

from bilevel_jax.errors import InputError
from bilevel_jax.images.color import luma
from bilevel_jax.images.color_methods import DEFAULT_COLOR, color_method
from bilevel_jax.images.exposure import apply_gain, exposure_gain
from bilevel_jax.images.files import to_float


class ImageFuser(abc.ABC):
    """Fuses arrays. A subclass says how two luminance images become one.

    Attributes:
        color: name of the method that colours the fused luminance, of `images.color_methods`.
        exposure: maximum gain that is measured for a dim infrared image (`images.exposure.exposure_gain`); 1 = none is
            measured.
    """

    color: str = DEFAULT_COLOR
    exposure: float = 1.0

    def with_color(self, name: str | None) -> Self:
        """Returns the same fuser with another colour method; both share their compiled programs.

        Args:
            name: of the method; None = the fuser's own colour stays.

        Raises:
            InputError: the name is not in `images.color_methods.COLOR_METHODS`.
        """
        if name is None:
            return self
        color_method(name)
        other = copy.copy(self)
        other.color = name
        return other

    def exposure_of(self, infrared: Shaped[np.ndarray, "h w *c"]) -> float:
        """Measures the gain of an infrared image once, for `fuse` to use on all images of a rig or of a video.

        Args:
            infrared: as `fuse` takes it.

        Returns:
            From 1 to `exposure`; 1 where this fuser measures none.

        Raises:
            InputError: the array has another shape, type or range.
        """
        return float(self._measured(_luminance(_checked(infrared, "infrared")[None]))[0])

    def fuse(
        self,
        infrared: Shaped[np.ndarray, "h w *c"],
        visible: Shaped[np.ndarray, "h w *c"],
        exposure: float | None = None,
    ) -> Shaped[np.ndarray, "h w *c"]:
        """Returns the fused image, with the visible image's shape and type; it is in colour where the visible one is.

        Args:
            infrared: [H, W], [H, W, 1] or [H, W, 3]; uint8, uint16 or float in [0, 1]. The luminance of colour is
                taken. Scale raw thermal counts first: `images.files.scale_raw`.
            visible: an image of the same kinds, height and width.
            exposure: gain of the infrared image, which is used as it is; None = measured on this image, as
                `exposure_of` does. For pictures of one rig or of one video pass one number, so that they stay alike.

        Returns:
            uint8, uint16 or float in [0, 1], as `visible`. Levels are rounded to the nearest.

        Raises:
            InputError: the sizes differ, an array has another shape, type or range, or the gain is not positive.
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
        fused = self.luminance(ir[None], vis[None], exposure)[0]
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
        self,
        infrared: Float32[np.ndarray, "b h w c"],
        visible: Float32[np.ndarray, "b h w c"],
        exposure: float | None = None,
    ) -> Float32[np.ndarray, "b h w 1"]:
        """Returns the fused luminance of a batch, not clipped.

        Args:
            infrared, visible: [B, H, W, 1 or 3] in [0, 1]. The luminance of colour is taken.
            exposure: gain of all infrared images; None = measured on each of them.

        Raises:
            InputError: the gain is not a positive number.
        """
        if exposure is not None and not 0 < exposure < np.inf:
            raise InputError(f"The exposure is {exposure}; expected a positive number, the gain of the infrared image.")
        ir, vis = _luminance(infrared), _luminance(visible)
        return self._fuse_luminance(self._exposed(ir, exposure), vis)

    def _measured(self, infrared: Float32[np.ndarray, "b h w 1"]) -> Float32[np.ndarray, " b"]:
        """The gain of each image."""
        return exposure_gain(infrared, self.exposure) if self.exposure > 1 else np.ones(len(infrared), np.float32)

    def _exposed(
        self, infrared: Float32[np.ndarray, "b h w 1"], exposure: float | None
    ) -> Float32[np.ndarray, "b h w 1"]:
        """The images after the given gain, or after the measured one."""
        if exposure is None and self.exposure == 1:
            return infrared
        return apply_gain(infrared, self._measured(infrared) if exposure is None else exposure)

    @abc.abstractmethod
    def _fuse_luminance(
        self, infrared: Float32[np.ndarray, "b h w 1"], visible: Float32[np.ndarray, "b h w 1"]
    ) -> Float32[np.ndarray, "b h w 1"]:
        """Returns the fused luminance of two batches of luminance images in [0, 1], not clipped."""


def _luminance(image: Float32[np.ndarray, "b h w c"]) -> Float32[np.ndarray, "b h w 1"]:
    return image if image.shape[-1] == 1 else luma(image)


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
