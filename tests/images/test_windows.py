"""Sums under a window, against numpy's own, and their gradient against the definition of a transpose."""

import jax
import numpy as np
import pytest

from bilevel_jax.images.ssim import gaussian_window
from bilevel_jax.images.windows import windowed


def _direct(images, window, stride):
    places = np.lib.stride_tricks.sliding_window_view(images, (len(window), len(window)), axis=(1, 2))
    return np.einsum("bhwcij,i,j->bhwc", places, window, window)[:, ::stride, ::stride]


@pytest.mark.parametrize(
    ("taps", "stride", "shape"), [(5, 1, (9, 12)), (5, 2, (10, 13)), (3, 2, (3, 8)), (1, 1, (4, 4))]
)
def test_sums_and_their_transpose(taps, stride, shape):
    window = gaussian_window(taps, 0.2 * taps)
    rng = np.random.default_rng(taps + stride)
    images = rng.random((2, *shape, 3)).astype(np.float32)
    sums, pull = jax.vjp(lambda images: windowed(images, window, stride), images)
    expected = _direct(images.astype(np.float64), window, stride)
    np.testing.assert_allclose(sums, expected, rtol=1e-5)
    weights = rng.normal(size=sums.shape).astype(np.float32)
    # <A images, weights> = <images, A^T weights>, for every image.
    probe = rng.random(images.shape)
    (spread,) = pull(weights)
    assert np.vdot(spread, probe) == pytest.approx(np.vdot(_direct(probe, window, stride), weights), rel=1e-4)


def test_gradients_of_gradients_and_vmap():
    window = gaussian_window(3, 1.0)
    image = np.random.default_rng(0).random((1, 6, 7, 1)).astype(np.float32)
    energy = lambda image: (windowed(image, window, 2) ** 2).sum() / 2
    norm = lambda image: (jax.grad(energy)(image) ** 2).sum() / 2
    # energy = |A x|^2 / 2, its gradient A'A x, and that of |A'A x|^2 / 2 is A'A A'A x.
    matrix = jax.vmap(jax.grad(energy))(np.eye(42, dtype=np.float32).reshape(42, 1, 6, 7, 1)).reshape(42, 42)
    expected = matrix @ matrix @ image.reshape(42)
    np.testing.assert_allclose(jax.grad(norm)(image).reshape(42), expected, rtol=1e-4, atol=1e-6)


def test_a_window_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="5 pixels does not fit into an image of 4 x 9"):
        windowed(np.zeros((1, 4, 9, 1), np.float32), gaussian_window(5, 1.0))
