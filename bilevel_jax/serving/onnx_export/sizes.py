"""The sizes of an exported program: batch, height and width are symbols, and the others are computed from them."""

from typing import Any, NamedTuple

from jax import export

from bilevel_jax.images.color_methods import AROUND
from bilevel_jax.images.gaussian_mean import POINTS
from bilevel_jax.inference.windows import BUCKET

STEP = 8  # pixels: a network with a receptive radius sees images whose sides are multiples of this


class Sizes(NamedTuple):
    """Dimensions of `jax.export`, which compare and compute as ints do.

    Attributes:
        batch: number of pairs.
        height, width: of the images, in pixels; `pixels` is their product.
        infrared_channels, visible_channels: 1 or 3.
        rows, columns: what the network sees, with what is mirrored at the borders.
        highlights: number of the brightest pixels among which the highlights are.
        row_points, column_points: number of points at which the light around a pixel is computed.
    """

    batch: Any
    height: Any
    width: Any
    infrared_channels: Any
    visible_channels: Any
    rows: Any
    columns: Any
    pixels: Any
    highlights: Any
    row_points: Any
    column_points: Any


def program_sizes(radius: int | None) -> Sizes:
    """Returns the sizes of the program of a network.

    Args:
        radius: the network's `receptive_radius`; None = the result depends on the whole image.
    """
    around, multiple = (0, BUCKET) if radius is None else (2 * radius, STEP)
    padded = [f"{multiple}*floordiv({side} + {around + multiple - 1}, {multiple})" for side in ("height", "width")]
    # ceil(a / b) = -floor(-a / b); the points are those of `gaussian_mean`, on which four are the fewest.
    dense = round(POINTS / AROUND)
    points = [
        f"max(4, min({side}, 1 - floordiv(-{dense}*{side} + {dense}, min(height, width))))"
        for side in ("height", "width")
    ]
    highlights = "min(height*width, floordiv(height*width, 100) + 2)"
    names = "batch, height, width, infrared_channels, visible_channels"
    return Sizes(
        *export.symbolic_shape(f"{names}, {', '.join(padded)}, height*width, {highlights}, {', '.join(points)}")
    )
