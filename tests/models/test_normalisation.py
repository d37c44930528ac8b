"""Group normalisation against flax's."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.models.normalisation import GroupNorm, num_groups


@pytest.mark.parametrize("channels", [6, 32])
def test_equals_flax_with_its_gradient(channels):
    x = 2.0 + jax.random.normal(jax.random.key(0), (2, 5, 7, channels)) * jnp.arange(1.0, channels + 1)
    params = {"params": {"scale": jnp.linspace(0.5, 1.5, channels), "bias": jnp.linspace(-1.0, 1.0, channels)}}
    target = jax.random.normal(jax.random.key(1), x.shape)

    def loss(module, params, x):
        return jnp.sum(module.apply(params, x) * target)

    flax_norm = nn.GroupNorm(num_groups(channels))
    np.testing.assert_allclose(jax.jit(GroupNorm().apply)(params, x), jax.jit(flax_norm.apply)(params, x), atol=1e-4)
    ours = jax.jit(jax.grad(lambda *a: loss(GroupNorm(), *a), (0, 1)))(params, x)
    theirs = jax.jit(jax.grad(lambda *a: loss(flax_norm, *a), (0, 1)))(params, x)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4), ours, theirs)


def test_groups_always_divide():
    assert [num_groups(c) for c in (1, 2, 7, 8, 10, 16, 64, 256)] == [1, 1, 1, 2, 2, 4, 16, 32]
    assert all(c % num_groups(c) == 0 for c in range(1, 300))


def test_a_group_that_hardly_varies_is_normalised_to_rounding():
    varying = np.random.default_rng(0).standard_normal((2, 8, 8, 4))
    x = (1.0 + 2.0**-9 * varying).astype(np.float32)
    exact = x.astype(np.float64)
    exact = (exact - exact.mean((1, 2, 3), keepdims=True)) / np.sqrt(exact.var((1, 2, 3), keepdims=True) + 1e-6)
    params = {"params": {"scale": jnp.ones(4), "bias": jnp.zeros(4)}}
    np.testing.assert_allclose(jax.jit(GroupNorm().apply)(params, x), exact, atol=3e-4)
    apart = jax.jit(nn.GroupNorm(1, use_fast_variance=True).apply)(params, x) - exact
    assert np.abs(apart).max() > 3e-3  # what mean(x^2) - mean(x)^2 makes of it
