"""A batch in parts, a skipped step, bfloat16 and recomputation, on the real steps."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from bilevel_jax.training.parts import mean_over_parts, skipping
from flax import struct

from bilevel_jax.models.fusion import fusion_network
from bilevel_jax.models.precision import computed_in


def test_the_mean_over_parts_is_the_mean_over_the_batch():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 5)), rng.normal(size=(12,))
    gradient = jax.grad(lambda w, x, y: jnp.mean((x @ w - y) ** 2))
    whole = gradient(jnp.ones(5), x, y)
    for count in (1, 2, 3, 4, 12):
        parts = jax.jit(lambda x, y, n=count: mean_over_parts(n, functools.partial(gradient, jnp.ones(5)), x, y))(x, y)
        np.testing.assert_allclose(parts, whole, rtol=1e-5)


@struct.dataclass
class State:
    step: jax.Array
    outer_params: jax.Array
    inner_params: jax.Array


def test_a_step_with_a_nan_changes_nothing_but_the_count():
    def step(state, x):
        moved = state.outer_params - x
        return state.replace(step=state.step + 1, outer_params=moved, inner_params=moved), {"loss/a": jnp.sum(x)}

    take = jax.jit(skipping("inner", step))
    state = State(jnp.int32(0), jnp.zeros(2), jnp.zeros(2))
    state, metrics = take(state, jnp.ones(2))
    assert metrics["skipped/inner"] == 0 and np.all(state.outer_params == -1)
    state, metrics = take(state, jnp.array([jnp.nan, 1.0]))
    assert metrics["skipped/inner"] == 1 and int(state.step) == 2
    assert np.all(state.outer_params == -1) and np.all(state.inner_params == -1)


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(1)
    return [jnp.asarray(rng.uniform(size=(2, 16, 16, 1)), jnp.float32) for _ in range(2)]


def test_recomputation_changes_no_value_and_keeps_the_parameters_names(images):
    gradients = []
    for remat in (False, True):
        network = fusion_network("tiny", remat)
        params = network.init(jax.random.PRNGKey(0), *images)
        params = jax.tree.map(lambda leaf: leaf + 0.01, params)
        gradients.append(jax.jit(jax.grad(lambda p, n=network: jnp.sum(n.apply(p, *images) ** 2)))(params))
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6), *gradients)


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
