"""Fusion without learning: what every rule must do, on numpy and on jax, and what the rules before `heat` do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.images.pyramid import laplacian_pyramid
from bilevel_jax.images.trivial_fusion import TRIVIAL_METHODS, laplacian, laplacian_saliency, trivial_method

RNG = np.random.default_rng(1)
SYMMETRIC = ("average", "max", "laplacian", "laplacian_saliency")  # the others add warm things to the visible image
PAIR = [RNG.random((2, 70, 53, 1)).astype(np.float32) for _ in range(2)]


@pytest.mark.parametrize("name", SYMMETRIC)
def test_an_image_fused_with_itself_stays(name):
    fused = trivial_method(name)(PAIR[0], PAIR[0])
    np.testing.assert_allclose(fused, PAIR[0], atol=1e-6)
    assert fused.dtype == np.float32 and isinstance(fused, np.ndarray)


@pytest.mark.parametrize("name", SYMMETRIC)
def test_the_order_of_the_images_does_not_matter(name):
    np.testing.assert_allclose(trivial_method(name)(*PAIR), trivial_method(name)(*PAIR[::-1]), atol=1e-6)


@pytest.mark.parametrize("name", ["max", "laplacian_saliency", "heat", "heat_detail"])  # the others are parts of them
def test_jax_gives_the_same(name):
    fused = jax.jit(trivial_method(name))(*map(jnp.asarray, PAIR))
    np.testing.assert_allclose(fused, trivial_method(name)(*PAIR), atol=1e-5)


@pytest.mark.parametrize("name", TRIVIAL_METHODS)
def test_a_batch_of_any_axes_gives_what_its_images_give_and_keeps_the_type(name):
    infrared, visible = (np.stack([images, images[::-1] ** 2]) for images in PAIR)
    together = trivial_method(name)(infrared, visible)
    assert together.shape == (2, 2, 70, 53, 1) and together.dtype == np.float32 and isinstance(together, np.ndarray)
    np.testing.assert_allclose(together[1, 0], trivial_method(name)(infrared[1, 0], visible[1, 0]), atol=1e-6)


def test_the_gradient_is_finite_where_images_are_flat_and_where_they_are_not():
    images = np.concatenate([np.full((1, 24, 24, 1), 0.2), RNG.random((1, 24, 24, 1))]).astype(np.float32)
    # `heat_detail` has all the parts: means, exposure, mask, replacement and a pyramid.
    loss = jax.jit(jax.grad(lambda pair: (TRIVIAL_METHODS["heat_detail"](*pair) ** 2).sum()))
    for gradient in loss((jnp.asarray(images), jnp.asarray(images))):
        assert np.isfinite(gradient).all() and abs(gradient[1]).max() > 0.1


@pytest.mark.parametrize("name", [name for name in TRIVIAL_METHODS if name not in SYMMETRIC])
def test_an_infrared_image_of_one_level_has_nothing_warm(name):
    np.testing.assert_allclose(trivial_method(name)(np.full_like(PAIR[0], 0.4), PAIR[1]), PAIR[1], atol=1e-5)


def test_the_pointwise_rules():
    np.testing.assert_allclose(TRIVIAL_METHODS["average"](*PAIR), (PAIR[0] + PAIR[1]) / 2)
    np.testing.assert_array_equal(TRIVIAL_METHODS["max"](*PAIR), np.maximum(*PAIR))


def test_the_pyramid_takes_detail_from_where_it_is_and_the_mean_of_the_bases():
    # Details of one image alone on each half, on grounds of two levels.
    infrared, visible = np.full((96, 192, 1), 0.3), np.full((96, 192, 1), 0.7)
    texture = 0.1 * RNG.standard_normal((96, 192, 1))
    infrared[:, :96] += texture[:, :96]
    visible[:, 96:] += texture[:, 96:]
    fused = laplacian(infrared, visible)
    # Far from the seam: the texture of its half, whose coarsest part (the base) is halved with the ground's.
    details, base = laplacian_pyramid(texture)
    np.testing.assert_allclose(fused[:, :24], (0.5 + texture)[:, :24], atol=0.5 * np.abs(base).max() + 1e-9)
    np.testing.assert_allclose(fused[:, -24:], (0.5 + texture)[:, -24:], atol=0.5 * np.abs(base).max() + 1e-9)
    assert np.abs(base).max() < 0.02 < np.abs(texture).max()  # so the tolerance says something


def test_by_saliency_the_image_that_deviates_gives_the_base():
    even, hot = np.full((128, 128, 1), 0.4), np.zeros((128, 128, 1))
    hot[:, 96:] = 1.0
    # The base of `even` never deviates from its mean: the other's is taken, and the picture with it.
    np.testing.assert_allclose(laplacian_saliency(even, hot), hot, atol=1e-4)
    assert abs(laplacian(even, hot) - hot).max() > 0.1
    # Neither deviates: the mean of the two.
    np.testing.assert_allclose(laplacian_saliency(even, even + 0.2), 0.5, atol=1e-6)


def test_an_unknown_name():
    with pytest.raises(InputError, match="'median'.*average, max, laplacian, laplacian_saliency"):
        trivial_method("median")
    with pytest.raises(InputError, match="did you mean heat_replace"):
        trivial_method("heat_replac")
