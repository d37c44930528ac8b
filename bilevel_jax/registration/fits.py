"""Maps from visible to infrared pixels that fit matched points; OpenCV does it robustly, from the extra `align`."""

import importlib.util

import numpy as np
from jaxtyping import Bool, Float64

from bilevel_jax.errors import InputError
from bilevel_jax.registration.block_matches import BlockMatches
from bilevel_jax.registration.transform import apply_matrix

INSTALL = 'pip install "bilevel-jax[align]"'
TOLERANCE = 2.5  # pixels between a match and the map, up to which the match takes part in the fit
FEWEST = 4  # matches, with fewer of which nothing is fitted


def check_opencv() -> None:
    """Raises InputError, which says what to install, where OpenCV is missing."""
    if importlib.util.find_spec("cv2") is None:
        raise InputError(
            f"Aligning needs the package opencv-python-headless, which is not installed; install it with {INSTALL}."
        )


def fit_translation(matches: BlockMatches, start: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, "3 3"]:
    """Returns the start moved by the median of the shifts, in infrared pixels."""
    matrix = start.copy()
    if len(matches.visible):
        matrix[:2, 2] += np.median(matches.infrared - apply_matrix(start, matches.visible), axis=0)
    return matrix


def fit_similarity(matches: BlockMatches, start: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, "3 3"]:
    """Returns the rotation, scale and shift that fit most matches; the start where too few agree."""
    import cv2

    if len(matches.visible) < FEWEST:
        return start
    rows, _ = cv2.estimateAffinePartial2D(
        matches.visible, matches.infrared, method=cv2.RANSAC, ransacReprojThreshold=TOLERANCE
    )
    return start if rows is None else np.vstack([rows, [0, 0, 1]])


def fit_affine(matches: BlockMatches, start: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, "3 3"]:
    """Returns the affine map that fits the matches which a similarity explains roughly, or the similarity."""
    similarity = fit_similarity(matches, start)
    near = _explained(matches, similarity)
    if near.sum() < 2 * FEWEST:
        return similarity
    known = np.concatenate([matches.visible[near], np.ones((near.sum(), 1))], 1)
    rows = np.linalg.lstsq(known, matches.infrared[near], rcond=None)[0].T
    return np.vstack([rows, [0, 0, 1]])


def fit_homography(matches: BlockMatches, start: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, "3 3"]:
    """Returns the homography that fits the matches which an affine map explains roughly; this where they are few."""
    import cv2

    affine = fit_affine(matches, start)
    near = _explained(matches, affine)
    if near.sum() < 3 * FEWEST:
        return affine
    matrix, _ = cv2.findHomography(matches.visible[near], matches.infrared[near], 0)
    return affine if matrix is None else matrix


def _explained(matches: BlockMatches, matrix: Float64[np.ndarray, "3 3"]) -> Bool[np.ndarray, " n"]:
    """Which matches lie within twice `TOLERANCE` of a map."""
    return np.linalg.norm(apply_matrix(matrix, matches.visible) - matches.infrared, axis=1) <= 2 * TOLERANCE
