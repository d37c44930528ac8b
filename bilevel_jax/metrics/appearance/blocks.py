"""Which pairs show daylight, and their means in square blocks."""

import numpy as np
from jaxtyping import Float64

from bilevel_jax.images.blocks import in_blocks
from bilevel_jax.images.daylight import DAY_MEAN
from bilevel_jax.metrics.appearance.pair import FusedPair

BLOCK = 16  # pixels: side of the blocks in which daylight and sky are measured


def is_daylight(pair: FusedPair) -> bool:
    """Whether the mean level of the visible image is at least `images.daylight.DAY_MEAN`."""
    return bool(pair.visible_gray.mean() >= DAY_MEAN)


def daylight_blocks(pair: FusedPair) -> tuple[Float64[np.ndarray, " blocks"], Float64[np.ndarray, " blocks"]]:
    """The mean levels of the visible and of the fused image in blocks of 16 x 16; empty where there is no daylight."""
    visible, fused = (in_blocks(image, BLOCK).mean(axis=1) for image in (pair.visible_gray, pair.fused_gray))
    kept = slice(None) if is_daylight(pair) else slice(0)
    return visible[kept], fused[kept]
