"""Sky: whether bright parts of a daylight picture turn dark."""

import numpy as np

from bilevel_jax.metrics.appearance.blocks import daylight_blocks
from bilevel_jax.metrics.appearance.measure import Measure, Observations
from bilevel_jax.metrics.appearance.pair import FusedPair

BRIGHT = 160.0  # levels: a block of the visible image of at least this mean counts as sky
FALL = 40.0  # levels


def sky(pair: FusedPair) -> Observations:
    """1 for each block of visible mean >= 160 of a daylight picture that is more than 40 levels darker, 0 for others.

    The blocks are 16 x 16 pixels. Lower is better.
    """
    visible, fused = daylight_blocks(pair)
    bright = visible >= BRIGHT
    return (visible[bright] - fused[bright] > FALL).astype(np.float64)


MEASURES = (
    Measure(
        "sky",
        sky,
        "share of the blocks (16 x 16, by daylight) of visible luma >= 160 that fall by more than 40 levels",
        "down",
        "a visible mean under 90, no block that bright",
    ),
)
