"""Causes for which a measure is undefined. The cause that is found stands as a sentence beside the NaN."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Planes(NamedTuple):
    """One channel of each image, in 0-255."""

    infrared: Float[np.ndarray, "h w"]
    visible: Float[np.ndarray, "h w"]
    fused: Float[np.ndarray, "h w"]


class Cause(NamedTuple):
    """One cause.

    Attributes:
        when: noun phrase for the documentation, such as "a constant source".
        found: function of the planes; returns a clause about them, or None where the cause does not apply.
    """

    when: str
    found: Callable[[Planes], str | None]


def too_small(side: int) -> Cause:
    """An image with a side under `side` pixels."""

    def found(planes: Planes) -> str | None:
        height, width = planes.infrared.shape
        if min(height, width) >= side:
            return None
        return f"the images are {height} x {width}, and it needs at least {side} x {side}"

    return Cause(f"images under {side} x {side}", found)


def _constant(when: str, *images: str) -> Cause:
    def found(planes: Planes) -> str | None:
        constant = (image for image in images if np.ptp(getattr(planes, image)) == 0)
        return next((f"the {image} image is constant" for image in constant), None)

    return Cause(when, found)


CONSTANT_SOURCE = _constant("a constant source", "infrared", "visible")
CONSTANT_IMAGE = _constant("a constant image", "infrared", "visible", "fused")
