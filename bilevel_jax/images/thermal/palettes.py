"""Palettes with which thermal programs colour heat, from the coldest colour to the hottest; one line each."""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

Color = tuple[int, int, int]

_IRONBOW: tuple[tuple[int, Color], ...] = (
    (0, (0, 0, 16)), (7, (1, 0, 85)), (15, (13, 0, 118)), (24, (47, 0, 140)), (36, (90, 0, 154)), (50, (131, 0, 157)),
    (62, (165, 0, 154)), (76, (190, 5, 146)), (88, (204, 21, 130)), (100, (216, 38, 102)), (112, (226, 60, 45)),
    (120, (231, 72, 19)), (132, (239, 98, 4)), (145, (244, 119, 0)), (165, (252, 160, 0)), (190, (254, 199, 1)),
    (205, (255, 221, 21)), (220, (255, 239, 99)), (232, (255, 248, 184)), (243, (255, 255, 248)),
)  # fmt: skip
_BLACK, _WHITE, _PURPLE, _BLUE = (0, 0, 0), (255, 255, 255), (128, 0, 128), (0, 0, 255)
_MAGENTA, _RED, _ORANGE, _YELLOW = (255, 0, 255), (255, 0, 0), (255, 128, 0), (255, 255, 0)
_CYAN, _GREEN = (0, 255, 255), (0, 255, 0)


class Palette(NamedTuple):
    """Colours of heat.

    Fields:
        colors: RGB, 0 to 255, in equal steps from the coldest to the hottest.
        directed: whether all programs agree which end is hot.
    """

    colors: Float64[np.ndarray, "256 3"]
    directed: bool = True


def _between(*stops: tuple[int, Color]) -> Palette:
    places = np.array([place for place, _ in stops], float)
    channels = np.array([color for _, color in stops], float).T
    steps = np.linspace(places[0], places[-1], 256)
    return Palette(np.stack([np.interp(steps, places, channel) for channel in channels], axis=-1))


def _even(*colors: Color) -> Palette:
    return _between(*enumerate(colors))


def _matplotlib(name: str, directed: bool = True) -> Palette:
    from matplotlib import colormaps  # only a colour picture pays for this import

    return Palette(np.asarray(colormaps[name](np.arange(256)))[:, :3] * 255, directed)


@functools.cache
def palettes() -> dict[str, Palette]:
    """Returns the palettes by name; of two that fit an image equally well the first one is taken."""
    return {
        "ironbow": _between(*_IRONBOW),
        "iron": _even(_BLACK, _PURPLE, _RED, _ORANGE, _YELLOW, _WHITE),
        "iron with blue": _even(_BLACK, _BLUE, _MAGENTA, (255, 165, 0), _YELLOW, _WHITE),
        **{
            name: _matplotlib(name)
            for name in ("jet", "turbo", "rainbow", "inferno", "magma", "plasma", "hot", "viridis")
        },
        "rainbow from black to white": _even(_BLACK, _BLUE, _CYAN, _GREEN, _YELLOW, _RED, _WHITE),
        # Some programs begin with red and some end with it.
        "rainbow of pure hues": _matplotlib("gist_rainbow", directed=False),
    }
