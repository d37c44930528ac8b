"""The weight of a visible image by its exposure: worked by hand from the declared ranges."""

import numpy as np
import pytest

from bilevel_jax.images.well_exposed import LEAST, well_exposed


def two_levels(mean, contrast):
    """Half of the pixels at mean - contrast, half at mean + contrast: that mean and that standard deviation."""
    image = np.full((1, 6, 8, 1), mean - contrast, np.float32)
    image[:, ::2] += 2 * contrast
    return image


@pytest.mark.parametrize(
    ("mean", "contrast", "share"),
    [
        (0.3, 0.15, 1.0),
        (0.5, 0.2, 1.0),
        (0.7, 0.12, 1.0),
        (0.25, 0.2, 0.5),  # half way from 0.2 to 0.3
        (0.79, 0.2, 0.4),  # 0.06 of 0.15 before 0.85
        (0.5, 0.09, 0.5),  # half way from 0.06 to 0.12
        (0.25, 0.075, 0.25),  # the weaker of 0.5 and 0.25
        (0.1, 0.09, 0.0),
        (0.9, 0.09, 0.0),
        (0.5, 0.0, 0.0),
    ],
)
def test_by_hand(mean, contrast, share):
    weight = well_exposed(np.concatenate([two_levels(mean, contrast), two_levels(0.5, 0.2)]))
    assert np.asarray(weight) == pytest.approx([LEAST + (1 - LEAST) * share, 1.0], abs=2e-5)
