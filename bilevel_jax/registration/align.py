"""Estimates how an infrared image lies on its visible image, and how far the estimate can be trusted."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Shaped

from bilevel_jax.registration.block_matches import block_matches
from bilevel_jax.registration.correlation import highest, whitened_correlation
from bilevel_jax.registration.fits import check_opencv
from bilevel_jax.registration.kinds import find_kind
from bilevel_jax.registration.search import search
from bilevel_jax.registration.transform import Transform, apply_matrix
from bilevel_jax.registration.working_pair import WorkingPair, working_pair

DEFAULT_KIND = "similarity"
SIDES = (128, 256, 512)  # longest side in pixels of the images of the search, of the choice and of the last refinement
TRUSTED = 0.4  # docs/results/align.md says how many errors above 5 pixels a smaller trust finds
_AGREE = 2.0  # pixels of the last refinement up to which a block agrees with the transform
_ROUNDS = 2  # of the last refinement


class Alignment(NamedTuple):
    """An estimated transform.

    Fields:
        transform: where the pixels of the visible image lie in the infrared image.
        trust: in [0, 1]; the share of the image's blocks that, each looked at alone, agree with the transform.
        trusted: whether the trust is at least `TRUSTED`.
    """

    transform: Transform
    trust: float
    trusted: bool


def align(
    infrared: Shaped[np.ndarray, "H W *c"], visible: Shaped[np.ndarray, "h w *d"], kind: str = DEFAULT_KIND
) -> Alignment:
    """Estimates how an infrared image lies on its visible image; neither is changed.

    Args:
        infrared, visible: uint8, uint16 or float in [0, 1], of any two sizes, with no, 1 or 3 channels. Both show about
            the same view when frame is laid on frame: a shift up to a third of the image, a rotation up to 7 degrees
            and a scale from 0.75 to 1.33 are found.
        kind: of the transform, one of `kinds.KINDS`.

    Raises:
        InputError: the kind is unknown, an image is smaller than 32 x 32 pixels or is no image, or OpenCV is not
            installed.
    """
    method = find_kind(kind)
    first = find_kind("similarity") if method.turns else method  # with few blocks the safest fit
    check_opencv()
    coarse, middle, fine = (working_pair(infrared, visible, side) for side in SIDES)
    refined = []
    for start in search(coarse, method.turns):
        matrix = middle.to_small(coarse.to_full(start.matrix))
        matrix = first.fit(block_matches(middle, matrix), matrix)
        refined.append((_height(middle, matrix), matrix))
    matrix = fine.to_small(middle.to_full(max(refined, key=lambda item: item[0])[1]))
    for _ in range(_ROUNDS):
        matrix = method.fit(block_matches(fine, matrix), matrix)
    trust = _trust(fine, matrix)
    transform = Transform(kind, fine.to_full(matrix), visible.shape[:2], infrared.shape[:2])
    return Alignment(transform, trust, trust >= TRUSTED)


def _height(pair: WorkingPair, matrix: Float64[np.ndarray, "3 3"]) -> float:
    """How far the correlation of the whole images stands out where they lie on each other, in standard deviations."""
    return highest(whitened_correlation(pair.visible_field, pair.moved_field(matrix)), 0.25).height


def _trust(pair: WorkingPair, matrix: Float64[np.ndarray, "3 3"]) -> float:
    matches = block_matches(pair, matrix)
    if not len(matches.visible):
        return 0.0
    back = apply_matrix(np.linalg.inv(matrix), matches.infrared)
    return float((np.linalg.norm(back - matches.visible, axis=1) <= _AGREE).mean())
