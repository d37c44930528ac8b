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
