"""What every measure of this folder is: a `Measure`, one column of a table."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from jax import Array
from jaxtyping import Complex, Float

from bilevel_jax.metrics.fusion.causes import Cause

Transform = Complex[np.ndarray, "*channels h f"]  # a real Fourier transform, f = w // 2 + 1


class Filtering(NamedTuple):
    """Filters in the frequency domain that run before a measure of the family "vifb".

    The images are stretched first. The filters run on the host: a padded image has another Fourier transform than the
    image, and on a device each size of image would be compiled anew.

    Attributes:
        response: function of (height, width); returns the filter's response, float [height, width // 2 + 1].
        chosen: function of the transforms of (infrared, visible, fused); returns those to filter.
    """

    response: Callable[[int, int], Float[np.ndarray, "h f"]]
    chosen: Callable[[Transform, Transform, Transform], Sequence[Transform]]


class Measure(NamedTuple):
    """One column of a table of fusion measures.

    Attributes:
        name: of the column, as the papers (or VIFB) print it.
        function: the measure as a function of images [H, W] or [H, W, C] in 0-255 and the keyword `size` (extent.py).
            It takes (infrared, visible, fused), or (fused) where `of_fused_alone`. With a `filtering` it takes images
            [H, W] that are stretched: infrared, visible, then the filtered images.
        description: one clause for the legend of a table and the documentation.
        family: "paper" measures images of one channel; "vifb" is the mean over the colour channels.
        unit: "" = none.
        higher_is_better: False where a lower value is better.
        of_fused_alone: whether the sources do not matter.
        in_nine: whether it is one of the nine columns that fusion papers print; mean ranks are over these.
        least_side: the measure is undefined where a side of the image is shorter, in pixels.
        undefined: further causes for which the measure is undefined.
        filtering: of the images, before the function; None = no filters.
    """

    name: str
    function: Callable[..., Float[Array, ""]]
    description: str
    family: Literal["paper", "vifb"] = "paper"
    unit: str = ""
    higher_is_better: bool = True
    of_fused_alone: bool = False
    in_nine: bool = False
    least_side: int = 1
    undefined: tuple[Cause, ...] = ()
    filtering: Filtering | None = None
