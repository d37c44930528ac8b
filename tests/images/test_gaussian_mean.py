"""Gaussian means of any width: how far from the exact ones, and at the border."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.images.blur import gaussian_blur
from bilevel_jax.images.gaussian_mean import gaussian_mean

RNG = np.random.default_rng(4)


def _images(height, width):
    """What changes as fast as an image in [0, 1] can: noise of two levels, an edge, a corner, large squares."""
    y, x = np.mgrid[:height, :width]
    squares = np.kron(RNG.integers(0, 2, (6, 6)), np.ones((height // 6 + 1, width // 6 + 1)))[:height, :width]
    images = [RNG.integers(0, 2, (height, width)), x > width // 2, x + y < width // 3, squares]
    return np.stack(images)[..., None].astype(float)


def _exact(images, sigma):
    """Two matrix products with the whole windows, in float64."""
    planes = []
    for length in images.shape[-3:-1]:
        away = np.arange(length)[:, None] - np.arange(length)
        weights = np.exp(-0.5 * (away / sigma) ** 2) * (abs(away) <= np.ceil(4 * sigma))
        planes.append(weights / weights.sum(axis=1, keepdims=True))
    return np.einsum("ih,...hwc,jw->...ijc", planes[0], images, planes[1], optimize=True)


@pytest.mark.parametrize(
    ("size", "share"), [((240, 320), 0.12), ((240, 320), 0.08), ((201, 333), 0.12), ((97, 64), 0.12)]
)
def test_a_wide_mean_is_within_a_ten_thousandth_of_the_exact_one(size, share):
    images, sigma = _images(*size), share * min(size)
    exact = _exact(images, sigma)
    assert abs(gaussian_mean(images, sigma) - exact).max() < 1e-4
    assert exact.std() > 0.1  # so the bound says something


@pytest.mark.parametrize("sigma", [0.7, 1.0, 2.0, 2.5, 7.0])
def test_a_narrow_mean_is_that_of_the_blur(sigma):
    images = RNG.random((2, 33, 21, 1)).astype(np.float32)
    np.testing.assert_allclose(gaussian_mean(images, sigma), gaussian_blur(jnp.asarray(images), sigma), atol=2e-5)
    np.testing.assert_allclose(gaussian_mean(images.astype(float), sigma), _exact(images, sigma), atol=2e-5)


@pytest.mark.parametrize("sigma", [1.0, 30.0])
def test_a_constant_image_does_not_change_at_the_border_either(sigma):
    np.testing.assert_allclose(gaussian_mean(np.full((5, 120, 90, 1), 0.7), sigma), 0.7, atol=1e-12)


@pytest.mark.parametrize("sigma", [2.0, 11.0, 40.0])
def test_jax_gives_the_same_and_each_keeps_its_kind(sigma):
    images = RNG.random((2, 3, 120, 90, 1)).astype(np.float32)
    host, device = gaussian_mean(images, sigma), jax.jit(lambda x: gaussian_mean(x, sigma))(jnp.asarray(images))
    assert isinstance(host, np.ndarray) and host.dtype == device.dtype == np.float32
    np.testing.assert_allclose(host, device, atol=2e-6)


def test_an_image_smaller_than_the_window_and_what_is_refused():
    image = RNG.random((1, 3, 1))
    np.testing.assert_allclose(gaussian_mean(image, 50.0), image.mean(), atol=1e-3)
    np.testing.assert_allclose(gaussian_mean(image, 2.0), _exact(image, 2.0), atol=1e-12)
    with pytest.raises(ValueError, match="sigma is 0"):
        gaussian_mean(image, 0)
