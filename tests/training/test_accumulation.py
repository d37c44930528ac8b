"""A batch in parts gives the mean over its parts."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from bilevel_jax.training.accumulation import mean_over_parts


def test_the_mean_over_parts_is_the_mean_over_the_batch():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 5)), rng.normal(size=(12,))
    gradient = jax.grad(lambda w, x, y: jnp.mean((x @ w - y) ** 2))
    whole = gradient(jnp.ones(5), x, y)
    for count in (1, 2, 3, 4, 12):
        parts = jax.jit(lambda x, y, n=count: mean_over_parts(n, functools.partial(gradient, jnp.ones(5)), x, y))(x, y)
        np.testing.assert_allclose(parts, whole, rtol=1e-5)
