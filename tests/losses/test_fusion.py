"""The visual task's losses against figures worked by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.losses import fusion


def test_target_is_infrared_where_salient_and_visible_elsewhere():
    ir, luma = jnp.full((1, 2, 2, 1), 0.9), jnp.full((1, 2, 2, 1), 0.1)
    saliency = jnp.array([1.0, 0.0, 0.5, 0.25]).reshape(1, 2, 2, 1)
    target = fusion.saliency_target(ir, luma, saliency)
    np.testing.assert_allclose(target.ravel(), [0.9, 0.1, 0.5, 0.3], atol=1e-6)


def test_bright_target_never_darkens_and_raises_towards_heat_by_the_saliency():
    ir = jnp.array([0.9, 0.1, 0.9, 0.5]).reshape(1, 2, 2, 1)
    luma = jnp.array([0.1, 0.9, 0.5, 0.5]).reshape(1, 2, 2, 1)
    saliency = jnp.array([1.0, 1.0, 0.5, 1.0]).reshape(1, 2, 2, 1)
    np.testing.assert_allclose(fusion.bright_target(ir, luma, saliency).ravel(), [0.9, 0.9, 0.7, 0.5], atol=1e-6)


def test_l1_is_a_sum_and_the_number_of_pixels():
    total, count = fusion.l1(jnp.full((2, 3, 4, 1), 0.25), jnp.full((2, 3, 4, 1), 0.5))
    assert float(total) == pytest.approx(6.0) and float(count) == 24


def test_dissimilarity_is_zero_for_equal_images_and_falls_along_its_gradient():
    target = jax.random.uniform(jax.random.PRNGKey(0), (1, 16, 16, 1))
    noisy = target + 0.1 * jax.random.normal(jax.random.PRNGKey(1), target.shape)
    loss = lambda image: fusion.structural_dissimilarity(image, target)[0]
    assert float(loss(target)) == pytest.approx(0.0, abs=1e-6)
    better = noisy - 0.5 * jax.grad(loss)(noisy)
    assert float(loss(better)) < float(loss(noisy))
