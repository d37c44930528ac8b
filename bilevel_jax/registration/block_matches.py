"""What is left to correct after a first alignment: the shift of each block of the image."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from bilevel_jax.registration.correlation import highest, whitened_correlation
from bilevel_jax.registration.transform import apply_matrix
from bilevel_jax.registration.working_pair import WorkingPair

BLOCK = 80  # pixels of a block's side, at least
SHARE = 0.22  # of the longer side of the image, that a block's side is otherwise
REACH = 0.15  # largest shift that is left, as a share of the block


class BlockMatches(NamedTuple):
    """Places that belong together, one for each block with edges in both images.

    Fields:
        visible, infrared: [n, 2] points (x, y) in pixels of the small images.
        heights: [n] of the blocks' correlations, in standard deviations.
    """

    visible: Float64[np.ndarray, "n 2"]
    infrared: Float64[np.ndarray, "n 2"]
    heights: Float64[np.ndarray, " n"]


def block_matches(pair: WorkingPair, matrix: Float64[np.ndarray, "3 3"]) -> BlockMatches:
    """Returns the matches of blocks that overlap by half, after the infrared image has been moved by a matrix."""
    fixed, moving = pair.visible_field, pair.moved_field(matrix)
    height, width = fixed.shape
    block = max(BLOCK, round(SHARE * max(height, width)))
    window = np.outer(np.hanning(min(block, height)), np.hanning(min(block, width))).astype(np.float32)
    places, shifts, heights = [], [], []
    for top in _starts(height, window.shape[0]):
        for left in _starts(width, window.shape[1]):
            part = slice(top, top + window.shape[0]), slice(left, left + window.shape[1])
            if min((fixed[part] != 0).mean(), (moving[part] != 0).mean()) < 0.5:
                continue
            peak = highest(whitened_correlation(fixed[part] * window, moving[part] * window), REACH)
            places.append([left + (window.shape[1] - 1) / 2, top + (window.shape[0] - 1) / 2])
            shifts.append(peak.shift)
            heights.append(peak.height)
    visible = np.array(places, np.float64).reshape(-1, 2)
    shifted = visible + np.array(shifts, np.float64).reshape(-1, 2)
    return BlockMatches(visible, apply_matrix(matrix, shifted), np.array(heights, np.float64))


def _starts(length: int, block: int) -> list[int]:
    count = max(1, round(2 * (length - block) / block) + 1)
    return [int(start) for start in np.linspace(0, length - block, count).round()]
