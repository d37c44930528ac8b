"""Gramians of leaves that are large enough to be summed in blocks on the CPU."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import gramian

# A matrix, a convolution, short axes, a flat vector; each with a rest that fills no block.
SHAPES = [(416, 163), (3, 3, 96, 80), (7, 9999), (70001,)]


def drawn(num_tasks, shape):
    return np.random.default_rng(0).normal(size=(num_tasks, *shape)).astype(np.float32)


def exact(stack):
    flat = np.asarray(stack, np.float64).reshape(len(stack), -1)
    return flat @ flat.T


@pytest.mark.parametrize(("num_tasks", "shape"), [(2, SHAPES[0]), (4, SHAPES[1]), (3, SHAPES[2]), (2, SHAPES[3])])
def test_every_value_is_summed_once(num_tasks, shape):
    stack, expected = drawn(num_tasks, shape), exact(drawn(num_tasks, shape))
    np.testing.assert_allclose(jax.jit(gramian)([stack]), expected, atol=1e-6 * np.max(expected))


def test_nothing_as_large_as_the_gradients_is_made():
    stack = jax.ShapeDtypeStruct((2, 512, 512), jnp.float32)
    memory = jax.jit(gramian).lower([stack]).compile().memory_analysis()
    assert memory.temp_size_in_bytes < 0.15 * memory.argument_size_in_bytes


def test_derivatives_are_those_of_a_matrix_product():
    def by_blocks(stack):
        return jnp.sum(jnp.sin(gramian([stack]) / 1e5))

    def by_product(stack):
        flat = stack.reshape(len(stack), -1)
        return jnp.sum(jnp.sin(jnp.matmul(flat, flat.T, precision="highest") / 1e5))

    def derivatives(function):
        return jax.jit(lambda x: jax.jvp(jax.grad(function), (x,), (jnp.cos(x),)))(stack)

    stack = drawn(2, SHAPES[0])
    for found, expected in zip(derivatives(by_blocks), derivatives(by_product), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * np.max(np.abs(expected)))
