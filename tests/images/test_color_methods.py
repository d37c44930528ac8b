"""Colour methods: what they keep (luminance, hue, range) and where they differ (the dark)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.images import color_methods
from bilevel_jax.images.color import fuse_color, luma
from bilevel_jax.images.color_methods import COLOR_METHODS, MOST_GAIN, NOISE_FLOOR, color_method, scale_color

RNG = np.random.default_rng(5)
RGB = RNG.random((2, 20, 30, 3)).astype(np.float32)
FUSED = RNG.uniform(-0.2, 1.2, (2, 20, 30, 1)).astype(np.float32)
hue, light = COLOR_METHODS["hue"], COLOR_METHODS["light"]


def lit(mean, size=(60, 80)):
    """A picture of that mean luminance, in many muted colours."""
    picture = RNG.uniform(0.7, 1.3, (*size, 3)).astype(np.float32)
    return (mean / luma(picture).mean()) * picture


@pytest.mark.parametrize("name", COLOR_METHODS)
def test_own_luminance_gives_the_image_back(name):
    np.testing.assert_allclose(color_method(name)(luma(RGB), RGB), RGB, atol=2e-6)
    dark = 0.02 * RGB
    np.testing.assert_allclose(color_method(name)(luma(dark), dark), dark, atol=2e-6)


@pytest.mark.parametrize("name", COLOR_METHODS)
def test_numpy_and_jax_agree_and_a_batch_gives_what_its_images_give(name):
    method = color_method(name)
    host, device = method(FUSED, RGB), jax.jit(method.fuse)(jnp.asarray(FUSED), jnp.asarray(RGB))
    assert isinstance(host, np.ndarray) and isinstance(device, jax.Array)
    assert host.dtype == device.dtype == np.float32 and host.min() >= 0 and host.max() <= 1
    np.testing.assert_allclose(host, device, atol=1e-5)
    np.testing.assert_allclose(host[1], method(FUSED[1], RGB[1]), atol=1e-6)


def test_chroma_is_the_function_that_training_calls():
    assert COLOR_METHODS["chroma"].fuse is fuse_color


@pytest.mark.parametrize("name", ["hue", "light"])
def test_the_luminance_is_the_fused_one_whatever_the_range_allows(name):
    """The colour is desaturated where it would leave the range. A clip would change the luminance."""
    np.testing.assert_allclose(luma(color_method(name)(FUSED, RGB)), np.clip(FUSED, 0, 1), atol=2e-6)
    clipped = luma(fuse_color(FUSED, RGB)) - np.clip(FUSED, 0, 1)
    assert abs(clipped).max() > 0.05  # so there was something to do


def test_scaling_keeps_the_ratios_of_the_channels():
    visible = RNG.uniform(0.15, 0.5, (40, 50, 3))
    fused = luma(visible) * RNG.uniform(0.3, 1.5, (40, 50, 1))
    colored = hue(fused, visible)
    np.testing.assert_allclose(colored / visible, np.broadcast_to(fused / luma(visible), colored.shape), rtol=1e-9)


def test_a_colour_beyond_the_range_goes_towards_grey_and_keeps_its_order():
    colored = hue(np.full((1, 1, 1), 0.8), np.array([[[0.6, 0.3, 0.1]]]))[0, 0]
    assert colored[0] == 1 > colored[1] > colored[2]
    away = colored - 0.8
    np.testing.assert_allclose(away / away[0], (np.array([0.6, 0.3, 0.1]) - 0.3669) / 0.2331, rtol=1e-3)


def test_the_noise_floor_bounds_what_the_dark_is_amplified_by():
    """Colour noise of one 8-bit level on black. A plain ratio would amplify it a hundred times."""
    noise = np.array([[[2.0, 1.0, 1.0]]]) / 255
    fused = np.full((1, 1, 1), 0.6)
    spread = np.ptp(hue(fused, noise)) / np.ptp(noise)
    assert fused[0, 0, 0] / luma(noise)[0, 0, 0] > 100 and spread == pytest.approx(MOST_GAIN)
    fused = luma(noise) + 0.1 * NOISE_FLOOR
    assert np.ptp(hue(fused, noise)) / np.ptp(noise) == pytest.approx(1.1)
    # At the floor itself both formulas meet.
    muted = np.array([[[1.1, 1.0, 0.9]]])
    muted *= NOISE_FLOOR / luma(muted)
    for near in (0.999, 1.001):
        gain = np.ptp(hue(np.full((1, 1, 1), 0.25), near * muted)) / np.ptp(near * muted)
        assert gain == pytest.approx(2.5, rel=5e-3)


def test_the_choice_follows_the_light():
    for mean, like in ((0.6, hue), (0.1, COLOR_METHODS["chroma"])):
        visible = lit(mean)
        np.testing.assert_allclose(light(luma(visible) + 0.1, visible), like(luma(visible) + 0.1, visible), atol=1e-5)


def test_the_choice_is_local_and_smooth():
    """A lit half and a dark half: each has its own method, and the share of scaling changes slowly between them."""
    color = np.array([1.1, 1.0, 0.8])
    visible = np.where(np.arange(200) < 100, 0.1, 0.7)[:, None] * (color / luma(color)) * np.ones((100, 1, 1))
    fused = luma(visible) + 0.1
    spread = np.ptp(light(fused, visible), axis=-1) / np.ptp(visible, axis=-1)
    scaled = np.ptp(hue(fused, visible), axis=-1) / np.ptp(visible, axis=-1)
    share = ((spread - 1) / (scaled - 1))[50]
    assert share[:80].max() < 0.01 and share[130:].min() > 0.99 and (np.diff(share) > -1e-6).all()
    assert np.diff(share).max() < 0.2  # the mean's sigma is 12 pixels; a choice by the pixel itself would leap by 1


@pytest.mark.parametrize("name", COLOR_METHODS)
def test_the_gradient_is_finite_and_that_of_finite_differences(name):
    visible = np.concatenate([RNG.uniform(0.3, 0.6, (1, 9, 9, 3)), np.zeros((1, 9, 9, 3))]).astype(np.float32)
    fused = np.concatenate([luma(visible)[:1] + 0.05, np.zeros((1, 9, 9, 1), np.float32)])
    weights = RNG.random(visible.shape).astype(np.float32)
    loss = lambda u, rgb: (weights * color_method(name)(u, rgb)).sum()
    gradients = jax.jit(jax.grad(loss, argnums=(0, 1)))(jnp.asarray(fused), jnp.asarray(visible))
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    for place, point in enumerate((fused, visible)):
        step = np.zeros(point.shape)
        step[0] = 1e-4 * RNG.standard_normal(point[0].shape)
        ends = [[fused.astype(float), visible.astype(float)] for _ in range(2)]
        ends[0][place], ends[1][place] = point - step, point + step
        expected = (loss(*ends[1]) - loss(*ends[0])) / 2
        assert (gradients[place] * step).sum() == pytest.approx(expected, rel=2e-3, abs=1e-7)


def test_unknown_names_integers_and_wrong_channels():
    with pytest.raises(InputError, match="'hues' is not known; expected one of chroma, hue, light; did you mean hue"):
        color_method("hues")
    with pytest.raises(TypeError, match="uint8"):
        scale_color(np.zeros((4, 4, 1), np.float32), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="4 channels"):
        scale_color(np.zeros((4, 4, 1), np.float32), np.zeros((4, 4, 4), np.float32))
    assert color_methods.DEFAULT_COLOR in COLOR_METHODS
