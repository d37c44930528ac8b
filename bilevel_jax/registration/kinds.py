"""The kinds of transform that `--align` estimates: what each may change, and how it is fitted."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from bilevel_jax.errors import InputError, nearest
from bilevel_jax.registration import fits
from bilevel_jax.registration.block_matches import BlockMatches

NO_ALIGNMENT = "none"  # in place of a kind: the images are registered

# Takes matches and the matrix with which they were found; returns a better matrix.
Fit = Callable[[BlockMatches, Float64[np.ndarray, "3 3"]], Float64[np.ndarray, "3 3"]]


@dataclass(frozen=True)
class Kind:
    """One kind of transform.

    Attributes:
        help: what it corrects, for the help text and the docs.
        turns: whether the search tries turned and scaled images, and not shifted ones alone.
        fit: improves a matrix by matches of blocks.
    """

    help: str
    turns: bool
    fit: Fit


KINDS = {
    "translation": Kind("a shift alone", False, fits.fit_translation),
    "similarity": Kind("shift, rotation and scale, for two cameras side by side", True, fits.fit_similarity),
    "affine": Kind("shear too, and a scale for each axis", True, fits.fit_affine),
    "homography": Kind("perspective too, for two cameras that look at a plane", True, fits.fit_homography),
}


def find_kind(name: str) -> Kind:
    """Returns the kind of this name.

    Raises:
        InputError: there is none.
    """
    if name not in KINDS:
        raise InputError(f"--align={name} is not known; expected one of {', '.join(KINDS)}{nearest(name, KINDS)}")
    return KINDS[name]
