"""The stand-in for JPEG against Pillow's, and its gradient."""

import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from bilevel_jax.images import jpeg as module

jpeg = jax.jit(module.jpeg)


def _picture(height, width):
    y, x = np.mgrid[:height, :width] / 20
    waves = np.stack([np.sin(x + y), np.cos(2 * x), np.sin(3 * y - x)], axis=-1)
    noise = np.random.default_rng(0).normal(0, 0.04, (height, width, 3))
    return np.uint8(255 * np.clip(0.5 + 0.3 * waves + noise, 0, 1))


def _psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((np.float64(a) - b) ** 2))


@pytest.mark.parametrize("quality", [30, 50, 75, 95])
def test_is_nearer_to_pillows_jpeg_than_to_the_picture(quality):
    picture, file = _picture(61, 90), io.BytesIO()
    Image.fromarray(picture).save(file, "jpeg", quality=quality)
    expected = np.asarray(Image.open(file))
    found = (
        255 * np.asarray(jpeg(jnp.asarray(picture[None] / 255.0, jnp.float32), jnp.array([quality], jnp.float32)))[0]
    )
    assert _psnr(found, expected) > max(38, _psnr(picture, expected) + 6)


def test_each_image_has_its_own_quality_and_a_flat_one_stays():
    pictures = jnp.asarray(np.stack([_picture(32, 48)] * 2) / 255.0, jnp.float32)
    low, high = jpeg(pictures, jnp.array([50.0, 95.0]))
    assert _psnr(255 * low, 255 * pictures[0]) < _psnr(255 * high, 255 * pictures[1]) - 1.5
    flat = jnp.full((1, 17, 9, 3), 128 / 255)
    np.testing.assert_allclose(jpeg(flat, jnp.array([50.0])), flat, atol=1e-5)


def test_gradient_is_that_of_the_transform_without_rounding():
    picture = jnp.asarray(_picture(16, 16)[None] / 255.0, jnp.float32) * 0.5 + 0.25
    # Without rounding a grey change comes through as it is: every pixel has its own luminance.
    grey = jax.grad(lambda light: jpeg(picture + light, jnp.array([75.0])).sum())(jnp.zeros((1, 16, 16, 1)))
    np.testing.assert_allclose(grey, 3.0, rtol=1e-3)
