"""Fusing arrays: sizes, depths and colour, whatever fuses the luminance."""

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.images.color import luma, rgb_to_ycbcr
from bilevel_jax.images.color_methods import COLOR_METHODS
from bilevel_jax.inference import ImageFuser


class By(ImageFuser):
    """Fuses by a function of two luminance images."""

    def __init__(self, rule):
        self._rule = rule

    def _fuse_luminance(self, infrared, visible):
        return self._rule(infrared, visible)


@pytest.fixture(scope="module")
def average():
    return By(lambda infrared, visible: (infrared + visible) / 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("tail", [(), (1,), (3,)])
def test_the_visible_image_decides_shape_and_type(average, dtype, tail):
    rng = np.random.default_rng(5)
    full = 1 if np.issubdtype(dtype, np.floating) else np.iinfo(dtype).max
    visible = (rng.random((33, 47, *tail)) * full).astype(dtype)
    infrared = rng.integers(0, 256, (33, 47)).astype(np.uint8)
    fused = average.fuse(infrared, visible)
    assert fused.shape == visible.shape and fused.dtype == dtype
    if tail != (3,):
        expected = (infrared.reshape(33, 47, *tail) / 255 + visible / full) / 2
        np.testing.assert_allclose(fused / full, expected, atol=0.51 / full if full > 1 else 1e-6)


def test_colour_is_the_visible_image_s_own(average):
    rng = np.random.default_rng(6)
    visible = (0.3 + 0.4 * rng.random((20, 30, 3))).astype(np.float32)
    infrared = (0.4 + 0.2 * rng.random((20, 30, 1))).astype(np.float32)
    fused = average.fuse(infrared, visible)
    before, after = rgb_to_ycbcr(visible), rgb_to_ycbcr(fused)
    np.testing.assert_allclose(after[..., 1:], before[..., 1:], atol=1e-5)
    np.testing.assert_allclose(after[..., :1], (infrared + before[..., :1]) / 2, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("color", COLOR_METHODS)
def test_every_colour_method_keeps_shape_type_and_luminance(average, color, dtype):
    rng = np.random.default_rng(9)
    full = 1 if np.issubdtype(dtype, np.floating) else np.iinfo(dtype).max
    visible = (rng.uniform(0.3, 0.7, (33, 47, 3)) * full).astype(dtype)
    infrared = rng.uniform(0.4, 0.6, (33, 47, 1)).astype(np.float32)
    fused = average.with_color(color).fuse(infrared, visible)
    assert fused.shape == visible.shape and fused.dtype == dtype and average.color == "chroma"
    expected = (infrared + luma(visible / full)) / 2
    # Each of the three channels is rounded to a level.
    np.testing.assert_allclose(luma(fused / full), expected, atol=0.51 / full if full > 1 else 1e-6)


def test_an_unknown_colour_is_refused_at_once(average):
    with pytest.raises(InputError, match="'hues' is not known.*did you mean hue"):
        average.with_color("hues")


def test_grey_in_colour_stays_grey_in_colour(average):
    grey = np.random.default_rng(7).integers(0, 65536, (40, 50, 1)).astype(np.uint16)
    infrared = np.random.default_rng(8).integers(0, 65536, (40, 50)).astype(np.uint16)
    fused = average.with_color("light").fuse(infrared, np.repeat(grey, 3, axis=-1))
    np.testing.assert_array_equal(fused, np.repeat(average.fuse(infrared, grey), 3, axis=-1))


def test_the_result_is_clipped_and_rounded():
    for value, level in ((-0.5, 0), (1.5, 255), (0.5, 128), (0.501, 128), (0.497, 127)):
        fuser = By(lambda infrared, visible, value=value: 0 * infrared + value)
        assert (fuser.fuse(np.zeros((3, 3), np.uint8), np.zeros((3, 3), np.uint8)) == level).all()


@pytest.mark.parametrize(
    "infrared, visible, message",
    [
        (np.zeros((4, 5), np.uint8), np.zeros((5, 4), np.uint8), "5 x 4 pixels and the visible 4 x 5"),
        (np.zeros((4, 5, 2), np.uint8), np.zeros((4, 5), np.uint8), "infrared.*shape"),
        (np.zeros((4, 5), np.uint8), np.zeros((0, 5), np.uint8), "visible.*shape"),
        (np.zeros((4, 5), np.int32), np.zeros((4, 5), np.uint8), "infrared.*int32"),
        (np.zeros((4, 5)), np.full((4, 5), 200.0), r"visible.*200"),
        (np.full((4, 5), np.nan), np.zeros((4, 5)), "infrared.*nan"),
    ],
)
def test_what_is_refused(average, infrared, visible, message):
    with pytest.raises(InputError, match=message):
        average.fuse(infrared, visible)


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_the_strength_is_the_share_of_the_change_that_is_shown(average, strength):
    rng = np.random.default_rng(10)
    infrared, visible = rng.random((2, 300, 400, 1), np.float32)
    weaker = average.with_strength(strength)
    expected = visible + strength * (infrared - visible) / 2
    np.testing.assert_allclose(weaker.fuse(infrared, visible), expected, atol=1e-6)
    np.testing.assert_allclose(weaker.luminance(infrared[None], visible[None])[0], expected, atol=1e-6)
    assert weaker.strength == strength and average.strength == average.with_strength(None).strength == 1


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("nan")])
def test_a_strength_is_from_0_to_1(average, strength):
    with pytest.raises(InputError, match=r"The strength is .*; expected a number from 0 to 1"):
        average.with_strength(strength)
