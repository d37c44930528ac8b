"""Which pairs are neighbouring frames of one video."""

import numpy as np
from jaxtyping import Float64

from bilevel_jax.evaluation.appearance.pair_set import SourcePair
from bilevel_jax.images.blocks import in_blocks
from bilevel_jax.metrics.appearance.blocks import BLOCK
from bilevel_jax.metrics.fusion import gray_levels

# Names do not tell: MSRS numbers its frames through, and two of them show two streets. On its pairs (and on the
# built-in scenes) the smaller of the two correlations stays below this; on three of four pairs of LLVIP, one fixed
# camera, it lies above.
ALIKE = 0.8


def coarse(pair: SourcePair) -> tuple[Float64[np.ndarray, " blocks"], ...]:
    """The block means (16 x 16) of the two sources' luma, by which `are_neighbours` compares pairs."""
    return tuple(in_blocks(gray_levels(image), BLOCK).mean(axis=1) for image in (pair.infrared, pair.visible))


def are_neighbours(
    before: tuple[Float64[np.ndarray, " blocks"], ...], now: tuple[Float64[np.ndarray, " blocks"], ...]
) -> bool:
    """Whether two pairs show nearly the same: the block means of each source correlate by 0.8 or more.

    Args:
        before, now: what `coarse` returns for two consecutive pairs.
    """
    for one, other in zip(before, now, strict=True):
        if one.size != other.size or one.size < 2 or not one.std() > 0 or not other.std() > 0:
            return False
        if np.corrcoef(one, other)[0, 1] < ALIKE:
            return False
    return True
