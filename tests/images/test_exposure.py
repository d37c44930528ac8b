"""Automatic exposure: the factor, its limits, and what its gradient is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.images.exposure import expose


def _image(mean, spread, seed=0):
    rng = np.random.default_rng(seed)
    smooth = np.kron(rng.uniform(-spread, spread, (12, 16)), np.ones((8, 8)))
    return jnp.asarray(mean + smooth - smooth.mean(), jnp.float32)[None, ..., None]


def test_a_dim_image_reaches_the_key():
    dim = _image(0.1, 0.05)
    np.testing.assert_allclose(expose(dim, 4.0), 3.0 * dim, rtol=1e-5)


def test_highlights_stay_within_the_range():
    """A bright tenth of a dark image: its mean alone would ask for a factor of 2.7."""
    image = jnp.full((1, 80, 80, 1), 0.04).at[:, 40:, 64:].set(0.75)
    assert 0.105 < image.mean() < 0.115
    np.testing.assert_allclose(expose(image, 4.0), image / 0.75, rtol=1e-5)


@pytest.mark.parametrize("image", [_image(0.5, 0.3), _image(0.3, 0.1), jnp.ones((1, 20, 20, 1))])
def test_a_bright_image_stays_as_it_is(image):
    np.testing.assert_allclose(expose(image, 4.0), image, rtol=1e-5)


def test_no_factor_above_the_largest_and_one_for_each_image():
    black, dim, bright = jnp.zeros((1, 96, 128, 1)), _image(0.02, 0.01), _image(0.5, 0.1)
    exposed = expose(jnp.concatenate([black, dim, bright]), 4.0)
    np.testing.assert_allclose(exposed, jnp.concatenate([black, 4 * dim, bright]), rtol=1e-5)
    assert expose(dim, 1.0) is dim


def test_few_hot_pixels_are_clipped_and_do_not_set_the_factor():
    image = _image(0.1, 0.05).at[0, 10, 10, 0].set(0.9)
    exposed = expose(image, 4.0)
    assert exposed.max() == 1 and 0.29 < exposed.mean() < 0.31


def test_the_factor_is_a_constant_in_gradients():
    dim = _image(0.1, 0.05)
    gradient = jax.grad(lambda image: expose(image, 4.0).sum())(dim)
    np.testing.assert_allclose(gradient, 3.0, rtol=1e-4)


def test_numpy_gives_the_same_for_batches_of_any_axes():
    images = np.concatenate([_image(0.1, 0.05), _image(0.02, 0.01), _image(0.5, 0.1)])
    host = expose(images[None], 4.0)
    assert isinstance(host, np.ndarray) and host.dtype == np.float32 and host.shape == (1, 3, 96, 128, 1)
    np.testing.assert_allclose(host[0], expose(jnp.asarray(images), 4.0), rtol=1e-5)
    np.testing.assert_array_equal(expose(images[1]), host[0, 1])
