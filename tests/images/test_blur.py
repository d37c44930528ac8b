"""The blur against scipy's inside the image, and its border."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from bilevel_jax.images.blur import gaussian_blur


def test_equals_scipy_away_from_the_border():
    image = np.random.default_rng(0).random((1, 40, 33, 1)).astype(np.float32)
    expected = gaussian_filter(image[0, :, :, 0], 1.5, truncate=4.0)
    np.testing.assert_allclose(gaussian_blur(image, 1.5)[0, 8:-8, 8:-8, 0], expected[8:-8, 8:-8], atol=1e-5)


def test_a_constant_stays_and_every_weight_is_spent():
    image = np.full((2, 12, 9, 3), 0.7, np.float32)
    np.testing.assert_allclose(gaussian_blur(image, 2.0), image, atol=1e-6)
    with pytest.raises(ValueError, match="sigma is 0"):
        gaussian_blur(image, 0)
