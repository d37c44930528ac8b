"""The targets of the visual task against figures worked by hand."""

import jax.numpy as jnp
import numpy as np

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
