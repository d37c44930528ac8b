"""How a fused luminance gets the colour of the visible image, by name.

The methods differ in one factor k: the colour is u + k (RGB - Y), where u is the fused luminance, Y is the visible
luminance, and RGB - Y says how far each channel is from grey. So the colour has the luminance u and the visible image's
hue. Where it would leave [0, 1], `hue` and `light` reduce k, which keeps both; `chroma` clips each channel, which keeps
neither. NumPy arrays give NumPy arrays; JAX arrays give JAX arrays and have gradients.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeVar

import jax
import numpy as np
from jaxtyping import Float

from bilevel_jax.errors import InputError, nearest
from bilevel_jax.images.color import fuse_color, luma
from bilevel_jax.images.gaussian_mean import gaussian_mean
from bilevel_jax.images.namespace import namespace

ArrayT = TypeVar("ArrayT", np.ndarray, jax.Array)

NOISE_FLOOR = 0.1  # visible luminance below which the colour is partly noise and is amplified less
MOST_GAIN = 4.0  # maximum k
AROUND = 0.12  # of the shorter side: sigma of the mean that says how much light there is
NIGHT, DAY = 0.2, 0.4  # mean visible luminance: up to the first the colour is fixed, from the second on it is scaled
_TINY = 1e-6  # below any level of a 16-bit image


class FusedColor(Protocol):
    """A function that makes a colour image of a fused luminance and the visible image."""

    def __call__(
        self, fused: Float[ArrayT, "*batch h w 1"], visible: Float[ArrayT, "*batch h w 3"]
    ) -> Float[ArrayT, "*batch h w 3"]:
        """Returns RGB in [0, 1]; `fused` may leave [0, 1], and `visible` is RGB in [0, 1]."""


class Surroundings(NamedTuple):
    """How a colour method that looks at the pixels around a pixel colours a large image row by row.

    Attributes:
        of: the visible luminance [..., H, W, 1] of the whole image -> what the method knows of each pixel's
            surroundings, [..., H, W, 1].
        fuse: (fused, visible, surroundings), all of the same rows -> RGB; equal to the method on the whole image.
    """

    of: Callable[[np.ndarray], np.ndarray]
    fuse: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class ColorMethod:
    """A colour method with its help text; it is called as the function is.

    Attributes:
        fuse: the function.
        help: what the method does, for tables and help texts.
        surroundings: None = the method looks at one pixel at a time.
    """

    fuse: FusedColor
    help: str
    surroundings: Surroundings | None = None

    def __call__(
        self, fused: Float[ArrayT, "*batch h w 1"], visible: Float[ArrayT, "*batch h w 3"]
    ) -> Float[ArrayT, "*batch h w 3"]:
        """Returns RGB in [0, 1]; `fused` may leave [0, 1], and `visible` is RGB in [0, 1]."""
        return self.fuse(fused, visible)

    def by_rows(self, light: Float[np.ndarray, "h w 1"]) -> "RowColor":
        """Returns a function that colours a large image row by row: (rows, fused, visible) -> RGB in [0, 1].

        It gives exactly the rows of the whole coloured image, and needs the memory of those rows alone.

        Args:
            light: luminance of the whole visible image, in [0, 1].
        """
        if self.surroundings is None:
            return lambda rows, fused, visible: self.fuse(fused, visible)
        fuse, around = self.surroundings.fuse, self.surroundings.of(light)
        return lambda rows, fused, visible: fuse(fused, visible, around[rows])


class RowColor(Protocol):
    """A function that colours rows of an image."""

    def __call__(
        self, rows: slice, fused: Float[np.ndarray, "h w 1"], visible: Float[np.ndarray, "h w 3"]
    ) -> Float[np.ndarray, "h w 3"]:
        """Returns RGB in [0, 1] of the rows; `fused` and `visible` are those rows alone."""


def scale_color(fused: Float[ArrayT, "*shape 1"], visible: Float[ArrayT, "*shape 3"]) -> Float[ArrayT, "*shape 3"]:
    """Returns the visible image scaled to the fused luminance u, so that the ratios of R, G and B stay: k = u / Y.

    Where Y is below the noise floor of 0.1, k = 1 + (u - Y) / 0.1 instead; it has the same value at the floor, and it
    tends to 1 where u and Y are equal. k is at most 4. A colour that would leave [0, 1] is desaturated: k becomes the
    largest factor with which all three channels stay inside, so luminance and hue stay and nothing is clipped.

    Args:
        fused: luminance, clipped to [0, 1] first.
        visible: RGB in [0, 1].

    Raises:
        ValueError: the visible image has not 3 channels.
        TypeError: the visible image holds integers.
    """
    light = luma(visible)
    inside = namespace(fused, visible).clip(fused, 0.0, 1.0)
    return _with_chroma(inside, visible, light, _scale(inside, light))


def color_by_light(
    fused: Float[ArrayT, "*batch h w 1"],
    visible: Float[ArrayT, "*batch h w 3"],
    daylight: Float[ArrayT, "*batch h w 1"] | None = None,
) -> Float[ArrayT, "*batch h w 3"]:
    """Returns the scaled colour of `scale_color` by day, the visible image's own chroma by night, and a blend between.

    The Gaussian mean of the visible luminance (sigma = 0.12 of the shorter side) says how much light there is around a
    pixel. Up to 0.2, k is 1: the chroma stays. From 0.4 on, k is that of `scale_color`. Between them a smooth step
    (3 t^2 - 2 t^3) leads from one to the other. By night scaling would amplify the colour noise and the tint of lamps.
    Arguments, clipping and errors are those of `scale_color`; `daylight` is that of `daylight_share`, and where the
    images are a part of larger ones, the same part of it. None = it is computed from the visible images.
    """
    light = luma(visible)
    space = namespace(fused, visible)
    inside = space.clip(fused, 0.0, 1.0)
    share = daylight_share(light) if daylight is None else daylight
    return _with_chroma(inside, visible, light, 1.0 + share * (_scale(inside, light) - 1.0))


def daylight_share(light: Float[ArrayT, "*batch h w 1"]) -> Float[ArrayT, "*batch h w 1"]:
    """Returns how much of its daylight method `color_by_light` uses at each pixel: 0 by night, 1 by day.

    Args:
        light: luminance of the whole visible images, in [0, 1].
    """
    return share_of_day(gaussian_mean(light, AROUND * min(light.shape[-3:-1])))


def share_of_day(around: Float[ArrayT, "*batch h w 1"]) -> Float[ArrayT, "*batch h w 1"]:
    """Returns 0 where the light around a pixel is that of the night, 1 where it is that of the day, and a smooth step.

    Args:
        around: the mean luminance around each pixel, in [0, 1].
    """
    share = namespace(around).clip((around - NIGHT) / (DAY - NIGHT), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


DEFAULT_COLOR = "chroma"
COLOR_METHODS: Mapping[str, ColorMethod] = MappingProxyType(
    {
        "chroma": ColorMethod(fuse_color, "the visible image's own chroma (Cb and Cr), clipped to the range"),
        "hue": ColorMethod(
            scale_color, "the visible image scaled to the fused luminance: brighter is also more colourful"
        ),
        "light": ColorMethod(
            color_by_light,
            "`hue` where the visible image is bright, its own chroma where it is dark; less colour instead of clipping",
            Surroundings(daylight_share, color_by_light),
        ),
    }
)


def color_method(name: str) -> ColorMethod:
    """Returns the colour method of that name; raises InputError, with the known names, where there is none."""
    if name not in COLOR_METHODS:
        raise InputError(
            f"The colour method {name!r} is not known; expected one of {', '.join(COLOR_METHODS)}"
            f"{nearest(name, COLOR_METHODS)}"
        )
    return COLOR_METHODS[name]


def _scale(fused: ArrayT, light: ArrayT) -> ArrayT:
    space = namespace(fused, light)
    return space.clip(1.0 + (fused - light) / space.maximum(light, NOISE_FLOOR), 0.0, MOST_GAIN)


def _with_chroma(fused: ArrayT, visible: ArrayT, light: ArrayT, factor: ArrayT) -> ArrayT:
    """u + k (RGB - Y), with k reduced to what [0, 1] allows."""
    space = namespace(fused, visible)
    away = visible - light
    channels = [away[..., i : i + 1] for i in range(3)]
    # The channel that is farthest above grey meets 1 first, and the one farthest below meets 0. Two channels at a time:
    # NumPy reduces a short last axis slowly.
    above = space.maximum(space.maximum(channels[0], channels[1]), channels[2])
    below = space.maximum(space.maximum(-channels[0], -channels[1]), -channels[2])
    room = space.minimum((1.0 - fused) / space.maximum(above, _TINY), fused / space.maximum(below, _TINY))
    factor = space.minimum(factor, room)
    # The clip takes away rounding errors alone.
    return space.clip(fused + factor * away, 0.0, 1.0)
