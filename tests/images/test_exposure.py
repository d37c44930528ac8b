"""Automatic exposure: the factor, its limits, what does not count, and what its gradient is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.images.exposure import SHOULDER, _constant, apply_gain, expose, exposure_gain


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


def _noise(high, seed=0, size=(60, 70)):
    """An image without constant areas: its mean is half of `high`."""
    return np.random.default_rng(seed).uniform(0, high, (*size, 1)).astype(np.float32)


def test_constant_areas_are_the_windows_of_equal_pixels():
    """Beside the definition, pixel by pixel; a block that is one row too small is no window."""
    image = _noise(1.0, size=(40, 44))[..., 0]
    image[3:12, 5:14] = 0.25  # one window exactly
    image[20:28, 10:40] = 0.5  # 8 rows
    image[30:, 30:] = 0.75
    image[35, 35] = 0.7
    expected = np.zeros(image.shape, bool)
    for top in range(image.shape[0] - 8):
        for left in range(image.shape[1] - 8):
            window = np.s_[top : top + 9, left : left + 9]
            expected[window] |= np.ptp(image[window]) == 0
    assert expected.sum() == 9 * 9
    image[35, 35] = 0.75
    expected[30:, 30:] = True
    np.testing.assert_array_equal(_constant(image[None])[0], expected)
    np.testing.assert_array_equal(_constant(jnp.asarray(image[None]))[0], expected)


@pytest.mark.parametrize("level", [0.0, 128 / 255, 1.0])
def test_a_frame_of_any_level_does_not_change_the_gain(level):
    image = _noise(0.2)
    framed = np.pad(image, ((9, 30), (12, 9), (0, 0)), constant_values=level)
    assert 2.9 < exposure_gain(image) < 3.1
    assert exposure_gain(framed) == exposure_gain(image)
    assert abs(framed.mean() - image.mean()) > 0.02  # without the rule the mean would say something else


def test_the_gain_follows_the_mean_the_highlights_and_the_limits():
    image = _noise(0.25)
    np.testing.assert_allclose(exposure_gain(image), 0.3 / image.mean(), rtol=1e-5)
    np.testing.assert_allclose(exposure_gain(image / 2, 8.0), 2 * exposure_gain(image), rtol=1e-5)
    bright = _noise(0.05)
    bright[:6] += 0.8
    np.testing.assert_allclose(exposure_gain(bright), 1 / np.quantile(bright, 0.99), rtol=1e-5)
    assert exposure_gain(image, 1.5) == 1.5 and exposure_gain(_noise(0.9)) == 1
    # A constant image, with 15 and with 16 other pixels.
    few = np.full((60, 70, 1), 0.5, np.float32)
    assert exposure_gain(few) == 1
    few[0, :15] = np.linspace(0.01, 0.05, 15)[:, None]
    gains = [float(exposure_gain(few))]
    few[0, 15] = 0.02
    # The pixels of 0.5 beside the row lie in windows of their own, so that 16 dim pixels alone are left.
    assert [*gains, float(exposure_gain(few))] == [1.0, 4.0]


def test_the_gain_is_the_same_on_host_and_device_for_batches_of_any_axes():
    images = np.stack([_noise(0.2, 1), _noise(0.05, 2), _noise(0.9, 3), _noise(0.2, 4)])
    images[3, :, 30:] = 0.8
    host = exposure_gain(images.reshape(2, 2, *images.shape[1:]))
    assert isinstance(host, np.ndarray) and host.dtype == np.float32 and host.shape == (2, 2)
    device = jax.jit(exposure_gain)(jnp.asarray(images))
    assert isinstance(device, jax.Array) and len(set(host.ravel().tolist())) == 4
    np.testing.assert_allclose(host.ravel(), device, rtol=1e-6)
    np.testing.assert_array_equal([exposure_gain(image) for image in images], host.ravel())


def test_a_gain_rolls_off_highlights_and_has_no_gradient():
    images = np.stack([_noise(0.2), _noise(0.6, 1)])
    exposed = apply_gain(images, np.float32([2, 3]))
    assert (apply_gain(images, 3.0)[1] == exposed[1]).all()
    dim = 2 * images[0] < SHOULDER
    np.testing.assert_allclose(exposed[0][dim], 2 * images[0][dim], rtol=1e-6)
    gradient = jax.grad(lambda image: apply_gain(image, exposure_gain(image)).sum())(jnp.asarray(images[:1] / 4))
    np.testing.assert_allclose(gradient, exposure_gain(images[0] / 4), rtol=1e-5)


@pytest.mark.parametrize("gain", [0.5, 1.0, 1.7, 4.0, 30.0])
def test_nothing_is_clipped_by_a_gain(gain):
    ramp = np.linspace(0, 1, 1001, dtype=np.float32).reshape(1, -1, 1)
    exposed = apply_gain(ramp, gain)[0, :, 0].astype(float)
    if gain <= 1:
        np.testing.assert_allclose(exposed, gain * ramp[0, :, 0], atol=1e-6)
        return
    steps = np.diff(exposed)
    assert (steps > 0).all() and abs(exposed[-1] - 1) < 1e-6
    assert (np.diff(steps) < 1e-6).all()  # The slope never grows.
