"""Edges that both cameras see: their direction without their sign, because warm things may be bright or dark."""

import numpy as np
from jaxtyping import Bool, Complex64, Float32, Shaped
from PIL import Image

from bilevel_jax.errors import InputError
from bilevel_jax.images.array_checks import CHANNELS, check_levels
from bilevel_jax.images.strips import luminance_of

FLAT = 2 / 255  # levels within this distance of the border's are one plain area, also after JPEG
MARGIN = 3  # pixels beside a plain area whose edges do not count: its border is no edge of the scene
_SOME = 0.005
_WEAK = 0.0012  # strength of an edge, in levels of [0, 1] over two pixels, below which it is noise


def grey(image: Shaped[np.ndarray, "h w *c"]) -> Float32[np.ndarray, "h w"]:
    """Returns the luminance in [0, 1] of uint8, uint16 or float in [0, 1], [H, W] or with 1 or 3 channels.

    Raises:
        InputError: the array has another shape, type or range.
    """
    if image.ndim not in (2, 3) or 0 in image.shape or (image.ndim == 3 and image.shape[-1] not in CHANNELS):
        raise InputError(f"The image has the shape {image.shape}; expected [H, W] or [H, W, 1 or 3].")
    check_levels(image, "The image")
    return luminance_of(image[..., None] if image.ndim == 2 else image)[..., 0]


def at_most(levels: Float32[np.ndarray, "h w"], side: int) -> tuple[Float32[np.ndarray, "a b"], tuple[float, float]]:
    """Returns an image with at most `side` pixels on its longer side, and by what (x, y) it was shrunk."""
    height, width = levels.shape
    factor = max(1.0, max(height, width) / side)
    if factor == 1:
        return levels, (1.0, 1.0)
    new = max(1, round(width / factor)), max(1, round(height / factor))
    small = np.asarray(Image.fromarray(levels).resize(new, Image.Resampling.BOX))
    return small, (width / new[0], height / new[1])


def plain_border(levels: Float32[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Finds frames, bars and wedges without a picture: what has the border's level all the way from a border.

    A pixel counts where at least three pixels from a border on, along its row or column, have one level up to `FLAT`.
    """
    plain = np.zeros(levels.shape, bool)
    for view, out in ((levels, plain), (levels.T, plain.T)):
        for part, target in ((view, out), (view[:, ::-1], out[:, ::-1])):
            run = np.logical_and.accumulate(np.abs(part - part[:, :1]) <= FLAT, axis=1)
            run[~run[:, min(2, run.shape[1] - 1)]] = False
            target |= run
    return plain


def black_border(levels: Float32[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Finds black bars and wedges at the border, as they are left where a picture was turned or moved in its file.

    `MARGIN` pixels beside them count too. Black that takes less than `_SOME` of the image is part of the picture.
    """
    black = plain_border(levels) & (levels <= FLAT)
    return _grown(black) if black.mean() >= _SOME else np.zeros(levels.shape, bool)


def orientation_field(
    levels: Float32[np.ndarray, "h w"], ignored: Bool[np.ndarray, "h w"] | None = None
) -> Complex64[np.ndarray, "h w"]:
    """Returns at every pixel the direction of its edge, as a complex number of twice the angle.

    Twice the angle, because an edge from dark to bright and one from bright to dark are then the same. The length,
    in [0, 1), grows with the strength of the edge and saturates at the image's mean strength, so that few strong edges
    do not decide alone.

    Args:
        levels: in [0, 1].
        ignored: pixels without a picture; neither they nor their `MARGIN` have edges. None = `plain_border`.
    """
    smooth = _smooth(_smooth(levels).T).T
    gradient = np.zeros(levels.shape, np.complex64)
    gradient[1:-1, 1:-1] = (smooth[1:-1, 2:] - smooth[1:-1, :-2]) + 1j * (smooth[2:, 1:-1] - smooth[:-2, 1:-1])
    gradient[_grown(plain_border(levels) if ignored is None else ignored)] = 0
    strength = np.abs(gradient)
    direction = gradient / np.maximum(strength, 1e-12)
    return direction**2 * (strength / (strength + strength.mean() + _WEAK))


def _smooth(image: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    padded = np.pad(image, ((1, 1), (0, 0)), mode="edge")
    return (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4


def _grown(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    if not mask.any():
        return mask
    grown = mask.copy()
    for _ in range(MARGIN):
        step = grown.copy()
        step[1:] |= grown[:-1]
        step[:-1] |= grown[1:]
        step[:, 1:] |= grown[:, :-1]
        step[:, :-1] |= grown[:, 1:]
        grown = step
    return grown
