"""Networks in bfloat16."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.models.fusion import fusion_network
from bilevel_jax.models.precision import computed_in


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(1)
    return [jnp.asarray(rng.uniform(size=(2, 16, 16, 1)), jnp.float32) for _ in range(2)]


def test_bfloat16_is_inside_alone(images):
    plain = fusion_network("tiny")
    half = computed_in("bfloat16", plain)
    assert computed_in("float32", plain) is plain
    params = half.init(jax.random.PRNGKey(0), *images)
    params = jax.tree.map(lambda leaf: leaf + 0.01, params)
    value, gradient = jax.jit(jax.value_and_grad(lambda p: jnp.mean(half.apply(p, *images))))(params)
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves((params, value, gradient)))
    exact, near = plain.apply(params, *images), half.apply(params, *images)
    assert near.dtype == jnp.float32
    apart = float(jnp.max(jnp.abs(exact - near)))
    assert 0 < apart < 0.05  # not the same: it was computed in another precision
