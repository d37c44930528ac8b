import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from bilevel_jax.images.color import fuse_color, luma, rgb_to_ycbcr, ycbcr_to_rgb


@pytest.fixture
def rgb():
    return np.random.default_rng(0).random((2, 9, 7, 3)).astype(np.float32)


def test_equals_jpegs_own_conversion_to_half_a_level():
    pixels = np.random.default_rng(1).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    reference = np.asarray(Image.fromarray(pixels).convert("YCbCr")).astype(np.float32)
    ours = rgb_to_ycbcr(pixels.astype(np.float32) / 255.0) * 255.0
    # libjpeg's chroma is centred at 128, ours at 127.5.
    assert np.abs(ours - reference + np.float32([0.0, 0.5, 0.5])).max() <= 1.01


@pytest.mark.parametrize(
    ("rgb", "ycbcr"),
    [
        ((1, 0, 0), (0.299, 0.5 - 0.168736, 1.0)),
        ((0, 1, 0), (0.587, 0.5 - 0.331264, 0.5 - 0.418688)),
        ((0, 0, 1), (0.114, 1.0, 0.5 - 0.081312)),
    ],
)
def test_primaries_have_the_coefficients_of_t871(rgb, ycbcr):
    np.testing.assert_allclose(rgb_to_ycbcr(np.float32(rgb)), np.float32(ycbcr), atol=1e-6)


def test_there_and_back(rgb):
    np.testing.assert_allclose(ycbcr_to_rgb(rgb_to_ycbcr(rgb)), rgb, atol=1e-6)


def test_numpy_and_jax_agree_and_each_keeps_its_kind(rgb):
    for function in (luma, rgb_to_ycbcr, ycbcr_to_rgb):
        host, device = function(rgb), jax.jit(function)(jnp.asarray(rgb))
        assert isinstance(host, np.ndarray) and isinstance(device, jax.Array)
        assert host.dtype == device.dtype == np.float32
        np.testing.assert_allclose(host, device, atol=1e-6)


def test_own_luminance_gives_the_image_back_and_another_one_keeps_the_colour(rgb):
    np.testing.assert_allclose(fuse_color(luma(rgb), rgb), rgb, atol=1e-6)
    muted = 0.4 + 0.2 * rgb
    colored = fuse_color(luma(muted) + 0.1, muted)
    np.testing.assert_allclose(rgb_to_ycbcr(colored)[..., 1:], rgb_to_ycbcr(muted)[..., 1:], atol=1e-6)
    np.testing.assert_allclose(luma(colored), luma(muted) + 0.1, atol=1e-6)


def test_fused_color_is_clipped(rgb):
    assert fuse_color(luma(rgb) + 2.0, rgb).max() == 1.0
    assert fuse_color(luma(rgb) - 2.0, rgb).min() == 0.0


def test_integers_and_wrong_channels_are_refused():
    with pytest.raises(TypeError, match="uint8"):
        luma(np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="4 channels"):
        luma(np.zeros((4, 4, 4), np.float32))
