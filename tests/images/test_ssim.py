"""SSIM against scikit-image, and its derivative against finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage.metrics import structural_similarity

from bilevel_jax.images.ssim import gaussian_window, ssim, ssim_map


def _pair(shape=(2, 24, 31, 2), seed=0):
    rng = np.random.default_rng(seed)
    a = rng.random(shape)
    return a.astype(np.float32), np.clip(0.6 * a + 0.4 * rng.random(shape), 0, 1).astype(np.float32)


@pytest.mark.parametrize("max_val", [1.0, 255.0])
def test_map_equals_scikit_image(max_val):
    a, b = (image * max_val for image in _pair())
    ours = np.asarray(ssim_map(a, b, max_val))
    for index in range(len(a)):
        _, theirs = structural_similarity(
            a[index].astype(np.float64),
            b[index].astype(np.float64),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            win_size=11,
            data_range=max_val,
            channel_axis=-1,
            full=True,
        )
        np.testing.assert_allclose(ours[index], theirs[5:-5, 5:-5], atol=2e-5)


def test_mean_is_one_for_equal_images_and_symmetric():
    a, b = _pair()
    np.testing.assert_allclose(ssim(a, a), 1.0, atol=1e-5)
    np.testing.assert_allclose(ssim(a, b), ssim(b, a), atol=1e-6)
    assert ssim(a, b).shape == (2,) and float(ssim(a, b).max()) < 0.9


def test_gradient_equals_finite_differences():
    a, b = _pair((1, 13, 14, 1))
    direction = np.random.default_rng(1).normal(size=a.shape).astype(np.float32)

    def along(step):
        return ssim(a + step * direction, b)[0]

    slope = float(jax.jit(jax.grad(along))(0.0))
    step = 1e-2
    numeric = float(along(step) - along(-step)) / (2 * step)
    assert slope == pytest.approx(numeric, rel=2e-2)
    flat = jnp.zeros((1, 13, 14, 1))
    assert np.isfinite(jax.grad(lambda image: ssim(image, flat)[0])(flat)).all()


def test_window_is_that_of_the_paper():
    window = gaussian_window()
    assert window.shape == (11,) and window.sum() == pytest.approx(1.0)
    assert window[5] / window[4] == pytest.approx(np.exp(1 / (2 * 1.5**2)))


def test_image_smaller_than_the_window_is_refused():
    with pytest.raises(ValueError, match="10 x 40"):
        ssim_map(jnp.zeros((1, 10, 40, 1)), jnp.zeros((1, 10, 40, 1)))
