"""What every fuser does: two images of any size, depth and colour in, one image of the visible one's kind out."""

import abc
import copy
import warnings
from typing import Self, overload

import numpy as np
from jaxtyping import Float32, Shaped

from bilevel_jax.errors import InputError
from bilevel_jax.images.array_checks import is_channels_first
from bilevel_jax.images.color import luma
from bilevel_jax.images.color_methods import DEFAULT_COLOR, color_method
from bilevel_jax.images.exposure import apply_gain, exposure_gain
from bilevel_jax.images.files import to_float
from bilevel_jax.images.strips import is_grey, luminance_of, strips
from bilevel_jax.inference.image_inputs import (
    ImageLike,
    ImageList,
    as_array,
    channels_last,
    is_path,
)
from bilevel_jax.inference.read_pair import read_pair


class ImageFuser(abc.ABC):
    """Fuses arrays. A subclass says how two luminance images become one.

    Attributes:
        color: name of the method that colours the fused luminance, of `images.color_methods`.
        exposure: maximum gain that is measured for a dim infrared image (`images.exposure.exposure_gain`); 1 = none is
            measured.
        strength: share of the change of the visible luminance that is shown, in [0, 1].
    """

    color: str = DEFAULT_COLOR
    exposure: float = 1.0
    strength: float = 1.0

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

    def with_strength(self, strength: float | None) -> Self:
        """Returns the same fuser with another strength; both share their compiled programs.

        Args:
            strength: the fused luminance is visible + strength * (fused - visible): 0 = the visible image, 1 = all that
                the fuser changes; None = the fuser's own strength stays.

        Raises:
            InputError: the strength is not in [0, 1].
        """
        if strength is None:
            return self
        if not 0 <= strength <= 1:
            raise InputError(f"The strength is {strength}; expected a number from 0 to 1.")
        other = copy.copy(self)
        other.strength = strength
        return other

    def exposure_of(self, infrared: ImageLike) -> float:
        """Measures the gain of an infrared image once, for `fuse` to use on all images of a rig or of a video.

        Args:
            infrared: as `fuse` takes it.

        Returns:
            From 1 to `exposure`; 1 where this fuser measures none.

        Raises:
            InputError: as `fuse`.
        """
        image = channels_last(as_array(infrared, "infrared"), "infrared")
        return float(self._measured(luminance_of(image)[None])[0])

    @overload
    def fuse(
        self, infrared: ImageLike, visible: ImageLike, exposure: float | None = None
    ) -> Shaped[np.ndarray, "*shape"]: ...

    @overload
    def fuse(
        self, infrared: ImageList, visible: ImageList, exposure: float | None = None
    ) -> list[Shaped[np.ndarray, "h w *c"]]: ...

    def fuse(
        self,
        infrared: ImageLike | ImageList,
        visible: ImageLike | ImageList,
        exposure: float | None = None,
    ) -> Shaped[np.ndarray, "*shape"] | list[Shaped[np.ndarray, "h w *c"]]:
        """Returns the fused image, with the visible image's shape and type; it is in colour where the visible one is.

        Args:
            infrared: a path, an image of Pillow, or an array of NumPy, JAX or torch: [H, W], [H, W, 1 or 3] or
                [1 or 3, H, W]; uint8, uint16 or float in [0, 1]. The luminance of colour is taken. Raw thermal counts
                of files are scaled (`images.files.scale_raw`); scale those of an array first.
            visible: an image of the same kinds, height and width. A batch is a list of images, which may differ in
                size, or an array [B, H, W, 1 or 3] or [B, 1 or 3, H, W], for both cameras alike.
            exposure: gain of the infrared image, which is used as it is; None = measured on this image, as
                `exposure_of` does. For pictures of one rig or of one video pass one number, so that they stay alike.

        Returns:
            A NumPy array, uint8, uint16 or float in [0, 1], as `visible`. Levels are rounded to the nearest. A list of
            them for lists.

        Raises:
            InputError: the sizes differ, an image cannot be read, an array has another shape, type or range, the gain
                is not positive, or a batch has more images of one camera than of the other.
        """
        if isinstance(infrared, list | tuple) and isinstance(visible, list | tuple):
            _check_counts(len(infrared), len(visible))
            return [self._fused(*pair, exposure) for pair in zip(infrared, visible, strict=True)]
        if isinstance(infrared, list | tuple) or isinstance(visible, list | tuple):
            raise InputError("One camera has a list of images and the other has not; expected two lists.")
        return self._fused(infrared, visible, exposure)

    def _fused(self, infrared: ImageLike, visible: ImageLike, exposure: float | None) -> Shaped[np.ndarray, "*shape"]:
        """Fuses one pair, or a batch that is one array."""
        if is_path(infrared) and is_path(visible):
            read = read_pair(infrared, visible)
            ir, vis = read.infrared, read.visible
            for path, text in read.notes:
                warnings.warn(f"{path} {text}", stacklevel=3)
        else:
            ir, vis = as_array(infrared, "infrared"), as_array(visible, "visible")
        try:
            if ir.ndim != 4 and vis.ndim != 4:
                return self._fused_pair(ir, vis, exposure)
            if ir.ndim != vis.ndim:
                raise InputError(
                    f"The infrared images have the shape {ir.shape} and the visible {vis.shape}; expected two batches."
                )
            _check_counts(len(ir), len(vis))
            fused = np.empty_like(vis)
            # One at a time: batches of any length use one compiled program and the memory of one image.
            for place, pair in enumerate(zip(ir, vis, strict=True)):
                fused[place] = self._fused_pair(*pair, exposure)
            return fused
        except InputError as error:
            paths = [str(image) for image in (infrared, visible) if is_path(image)]
            raise (InputError(f"{' and '.join(paths)}: {error}") if paths else error) from error

    def _fused_pair(
        self,
        infrared: Shaped[np.ndarray, "h w *c"],
        visible: Shaped[np.ndarray, "h w *c"],
        exposure: float | None,
    ) -> Shaped[np.ndarray, "h w *c"]:
        _check_gain(exposure)
        ir, vis = channels_last(infrared, "infrared"), channels_last(visible, "visible")
        if ir.shape[:2] != vis.shape[:2]:
            raise InputError(
                f"The infrared image is {ir.shape[1]} x {ir.shape[0]} pixels and the visible {vis.shape[1]} x "
                f"{vis.shape[0]}; expected one size (registered images)."
            )
        # A grey image that is stored in colour must stay grey: rounding in luma and chroma could tint it.
        grey = is_grey(vis)
        exposed = self._exposed(luminance_of(ir)[None], exposure)
        light = luminance_of(vis[..., :1] if grey else vis)
        fused = self._shown(self._fuse_luminance(exposed, light[None]), light[None])[0]
        del exposed  # large images: from here on it would only take memory
        paint = None if grey else color_method(self.color).by_rows(light)
        kind = visible.dtype
        result = np.empty(vis.shape, kind)
        for rows in strips(*vis.shape[:2]):
            part = fused[rows] if paint is None else paint(rows, fused[rows], to_float(vis[rows]))
            part = np.clip(part, 0.0, 1.0)
            if not np.issubdtype(kind, np.floating):
                part = np.floor(part * float(np.iinfo(kind).max) + 0.5)
            result[rows] = part
        if is_channels_first(visible):
            return np.ascontiguousarray(np.moveaxis(result, -1, 0))
        return result.reshape(visible.shape)

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
        _check_gain(exposure)
        ir, vis = _luminance(infrared), _luminance(visible)
        return self._shown(self._fuse_luminance(self._exposed(ir, exposure), vis), vis)

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

    def _shown(
        self, fused: Float32[np.ndarray, "b h w 1"], visible: Float32[np.ndarray, "b h w 1"]
    ) -> Float32[np.ndarray, "b h w 1"]:
        """The fused luminance at the fuser's strength; `fused` is overwritten."""
        if self.strength == 1:
            return fused
        for rows in strips(*fused.shape[1:3]):
            part = fused[:, rows]
            part -= visible[:, rows]
            part *= self.strength
            part += visible[:, rows]
        return fused

    @abc.abstractmethod
    def _fuse_luminance(
        self, infrared: Float32[np.ndarray, "b h w 1"], visible: Float32[np.ndarray, "b h w 1"]
    ) -> Float32[np.ndarray, "b h w 1"]:
        """Returns the fused luminance of two batches of luminance images in [0, 1], not clipped."""


def _luminance(image: Float32[np.ndarray, "b h w c"]) -> Float32[np.ndarray, "b h w 1"]:
    return image if image.shape[-1] == 1 else luma(image)


def _check_gain(exposure: float | None) -> None:
    if exposure is not None and not 0 < exposure < np.inf:
        raise InputError(f"The exposure is {exposure}; expected a positive number, the gain of the infrared image.")


def _check_counts(infrared: int, visible: int) -> None:
    if infrared != visible:
        raise InputError(
            f"The batch has {infrared} infrared and {visible} visible image(s); expected one of each for every pair."
        )
