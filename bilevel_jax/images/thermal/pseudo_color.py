"""Pictures that show heat in colours: the palette is recognised, and the colours are turned back into heat."""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Num, UInt
from scipy.spatial import cKDTree

from bilevel_jax.images.thermal.infrared_image import InfraredImage
from bilevel_jax.images.thermal.palettes import Palette, palettes

# How far the three channels of a pixel must lie apart for a colour, of 255, and the share of such pixels in a colour
# picture. JPEG gives grey pictures a little colour, and a logo is colour in a small part.
CHROMA = 40
COLORED_SHARE = 0.02
# Largest mean distance of a picture's colours to those of its palette, each counted up to the second number. Of thermal
# images after JPEG of quality 75 it was at most 12 for their palette and 25 for a related one; of 66 visible images of
# four data sets it was 27 or more.
MEAN_DISTANCE = 24.0
FARTHEST = 80.0
# A palette whose hot end is known must fit better by this than one whose hot end is not.
_DOUBT = 1.0
_SAMPLED = 8192  # pixels by which a palette is recognised
# JPEG stores colour at half the resolution, so that brightness is to be trusted more. Of the weights 1, 0.6 and 0.35
# this one gave the smallest error of the heat, for nearly every palette.
_CHROMA_WEIGHT = 0.35
_YCBCR = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]]).T


def is_colored(image: UInt[np.ndarray, "h w c"]) -> bool:
    """Returns whether a picture is in colour, beyond a logo and the traces that JPEG leaves in a grey one.

    Args:
        image: uint8 or uint16 with 1 or 3 channels.
    """
    if image.shape[-1] != 3:
        return False
    pixels = _sample(image)
    return float(np.mean(np.ptp(pixels, axis=-1) > CHROMA)) >= COLORED_SHARE


class ColorReading(NamedTuple):
    """What the colours of a thermal picture mean.

    Fields:
        palette: name of the palette whose colours are heat; None = the picture is used as it is.
        note: what a user should know about it, a sentence without a subject; "" = nothing.
    """

    palette: str | None
    note: str = ""


def heat_of_colors(image: UInt[np.ndarray, "h w c"]) -> InfraredImage:
    """Turns a picture in the colours of a known palette into heat; every other picture stays as it is.

    Args:
        image: uint8 or uint16 with 1 or 3 channels.

    Returns:
        uint8 [H, W, 1], 0 (cold) to 255 (hot), and a note that names the palette; or the image, with a note where it is
        in colours of no known palette.
    """
    palette, note = read_colors(image)
    notes = (note,) if note else ()
    return InfraredImage(image if palette is None else heat_in_palette(image, palette), notes)


def read_colors(image: UInt[np.ndarray, "h w c"]) -> ColorReading:
    """Finds out which palette the colours of a thermal picture are from.

    Args:
        image: uint8 or uint16 with 1 or 3 channels.
    """
    if not is_colored(image):
        return ColorReading(None)
    name, distance = recognised_palette(image)
    if distance > MEAN_DISTANCE or not palettes()[name].directed:
        what = "of no known palette" if distance > MEAN_DISTANCE else f"of a palette without a known hot end ({name})"
        return ColorReading(
            None,
            f"is in colours {what}: their brightness is taken for heat, which may be wrong; export it in grey (white "
            "hot), or check that it is the infrared image",
        )
    return ColorReading(name, f"is in the colours of the palette {name}, which are turned back into heat")


def heat_in_palette(image: UInt[np.ndarray, "h w 3"], palette: str) -> UInt[np.ndarray, "h w 1"]:
    """Returns the heat, uint8 0 (cold) to 255 (hot), of a uint8 or uint16 picture in the colours of that palette."""
    return _inverted(image, palettes()[palette])


def recognised_palette(image: UInt[np.ndarray, "h w 3"]) -> tuple[str, float]:
    """Returns the name of the palette that fits best, and the mean distance of the image's colours to it, of 255.

    A palette without a known hot end is returned where it fits about as well as the best.
    """
    pixels = _sample(image)
    distances = {
        name: float(np.minimum(tree.query(pixels)[0], FARTHEST).mean()) for name, tree in _color_trees().items()
    }
    name = min(distances, key=lambda name: distances[name] - (0.0 if palettes()[name].directed else _DOUBT))
    return name, distances[name]


@functools.cache
def _color_trees() -> dict[str, cKDTree]:
    return {name: cKDTree(palette.colors) for name, palette in palettes().items()}


def _sample(image: UInt[np.ndarray, "h w 3"]) -> Num[np.ndarray, "n 3"]:
    pixels = image.reshape(-1, 3)
    return _levels(pixels[:: max(1, len(pixels) // _SAMPLED)])


def _levels(pixels: UInt[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
    return pixels / 257.0 if pixels.dtype == np.uint16 else pixels.astype(float)


def _inverted(image: UInt[np.ndarray, "h w 3"], palette: Palette) -> UInt[np.ndarray, "h w 1"]:
    weighted = _YCBCR * np.array([1.0, _CHROMA_WEIGHT, _CHROMA_WEIGHT])
    levels = np.rint(_levels(image.reshape(-1, 3))).astype(np.uint32)
    # A picture has far fewer colours than pixels: each colour is looked up once.
    colors, place = np.unique(levels @ np.array([1 << 16, 1 << 8, 1], np.uint32), return_inverse=True)
    rgb = np.stack([colors >> 16, (colors >> 8) & 255, colors & 255], axis=-1).astype(float)
    heat = cKDTree(palette.colors @ weighted).query(rgb @ weighted)[1].astype(np.uint8)
    return heat[place].reshape(*image.shape[:2], 1)
