"""Finds a plain shift between the images of a pair that should be aligned; NumPy alone, so that it always runs."""

import numpy as np
from jaxtyping import Shaped

from bilevel_jax.errors import InputError
from bilevel_jax.registration.correlation import correlations, highest
from bilevel_jax.registration.edges import at_most, grey, orientation_field

SMALL = 3.0  # pixels of the visible image up to which a shift is not reported
SIDE = 256  # pixels of the longer side of the images that are compared
SHORTEST = 48  # pixels of the shorter side, below which too few edges say anything
REACH = 0.25  # largest shift, as a share of the image's sides
# Of the correlation, in standard deviations: docs/results/align.md says how often these report an aligned pair.
HEIGHT, BEYOND = 6.0, 1.0


def plain_shift(
    infrared: Shaped[np.ndarray, "h w *c"], visible: Shaped[np.ndarray, "h w *d"]
) -> tuple[float, float] | None:
    """Returns by how many pixels an infrared image is shifted against its visible image, where this is plain to see.

    Args:
        infrared, visible: uint8, uint16 or float in [0, 1], of one height and width, with no, 1 or 3 channels.

    Returns:
        (x, y): what is at p in the visible image is at p + (x, y) in the infrared image; x to the right, y downwards.
        None where the shift is at most `SMALL` pixels, or the images have too little in common to say.

    Raises:
        InputError: the sizes differ, or an array has another shape, type or range.
    """
    if infrared.shape[:2] != visible.shape[:2]:
        raise InputError(f"The images have the shapes {infrared.shape} and {visible.shape}; expected one size.")
    fixed, factor = at_most(grey(visible), SIDE)
    moving, _ = at_most(grey(infrared), SIDE)
    if min(fixed.shape) < SHORTEST:
        return None
    peak = highest(
        correlations(orientation_field(fixed), orientation_field(moving)[None])[0], REACH, SMALL / min(factor)
    )
    shift = peak.shift[0] * factor[0], peak.shift[1] * factor[1]
    if peak.height < HEIGHT or peak.beyond < BEYOND or np.hypot(*shift) <= SMALL:
        return None
    return shift
