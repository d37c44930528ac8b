"""Optimizers against steps worked by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.training.config import default_config
from bilevel_jax.training.optimizers import optimizer


def test_sgd_adds_the_decay_to_the_gradient_and_keeps_momentum():
    config = default_config().inner
    config.name, config.learning_rate, config.momentum, config.weight_decay = "sgd", 0.1, 0.9, 0.01
    tx, params = optimizer(config), {"w": jnp.array(2.0)}
    state = tx.init(params)
    velocity = 0.0
    for gradient in (1.0, -0.5):
        updates, state = tx.update({"w": jnp.array(gradient)}, state, params)
        velocity = 0.9 * velocity + gradient + 0.01 * 2.0
        np.testing.assert_allclose(updates["w"], -0.1 * velocity, rtol=1e-6)


def test_clipping_bounds_the_global_norm():
    config = default_config().inner
    config.name, config.learning_rate, config.momentum, config.weight_decay = "sgd", 1.0, 0.0, 0.0
    config.clip_norm = 1.0
    tx, params = optimizer(config), {"a": jnp.zeros(2), "b": jnp.zeros(1)}
    updates, _ = tx.update({"a": jnp.array([3.0, 0.0]), "b": jnp.array([4.0])}, tx.init(params), params)
    np.testing.assert_allclose(updates["a"], [-0.6, 0.0], rtol=1e-5)
    np.testing.assert_allclose(updates["b"], [-0.8], rtol=1e-5)


@pytest.mark.parametrize("differentiated", [False, True])
def test_a_step_that_is_differentiated_has_a_slope_where_a_gradients_square_underflows(differentiated):
    """The root in adamw has no slope at 0; 1e-23 squared is 0 in float32. The step itself stays the same."""
    config = default_config().outer
    tx, params = optimizer(config, differentiated), jnp.zeros(())

    def step(gradient):
        return tx.update(gradient, tx.init(params), params)[0]

    assert np.isfinite(jax.grad(step)(jnp.float32(1e-23))) == differentiated
    for gradient in (0.3, 1e-4):
        np.testing.assert_allclose(
            step(jnp.float32(gradient)),
            optimizer(config).update(jnp.float32(gradient), optimizer(config).init(params), params)[0],
            rtol=1e-3,
        )
