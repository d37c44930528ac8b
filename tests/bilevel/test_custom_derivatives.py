"""Estimators on losses that go through a custom_vjp, as a convolution with a gradient of its own does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import ESTIMATORS, estimator

FIRST_ORDER = ("one_step", "value_function", "unrolled")


@jax.custom_vjp
def product(x, matrix):
    return x @ matrix


def backward(residuals, cotangent):
    x, matrix = residuals
    return cotangent @ matrix.T, x.T @ cotangent


product.defvjp(lambda x, matrix: (x @ matrix, (x, matrix)), backward)


def losses(multiply):
    """(F, f) of a network of two products, the first matrix the outer variable, the second the inner one."""

    def inner(w, v, batch):
        return jnp.mean((multiply(jnp.tanh(multiply(batch["x"], w)), v) - batch["y"]) ** 2) + 0.1 * jnp.sum(v**2)

    def outer(w, v, batch):
        return jnp.mean(jnp.abs(multiply(jnp.tanh(multiply(batch["x"], w)), v) - batch["y"]) ** 3)

    return outer, inner


def estimate(name, multiply):
    traits = ESTIMATORS[name].traits
    rng = np.random.default_rng(0)
    w, v = (jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in ((3, 4), (4, 2)))
    outer_batch, inner_batch = (
        {"x": jnp.asarray(rng.normal(size=(8, 3)), jnp.float32), "y": jnp.asarray(rng.normal(size=(8, 2)), jnp.float32)}
        for _ in range(2)
    )
    if traits.batch_per_step:
        inner_batch = jax.tree.map(lambda leaf: jnp.stack([leaf] * traits.example["steps"]), inner_batch)
    made = estimator(name, *losses(multiply), **traits.example)
    return jax.jit(made.estimate)(w, v, outer_batch, inner_batch, made.init(w, v)).outer_grad


@pytest.mark.parametrize(
    "name",
    [
        name if name in FIRST_ORDER else pytest.param(name, marks=pytest.mark.slow)
        for name, factory in ESTIMATORS.items()
        if not factory.traits.forward_mode
    ],
)
def test_a_custom_vjp_is_differentiated_as_the_plain_function(name):
    np.testing.assert_allclose(estimate(name, product), estimate(name, jnp.matmul), rtol=1e-4)


def test_forward_mode_says_what_to_use_instead():
    with pytest.raises(TypeError, match="forward cannot go through the custom_vjp in these losses: use unrolled"):
        estimate("forward", product)
    with pytest.raises(TypeError, match="tanh requires"):  # any other error is left as it is
        estimate("forward", lambda x, matrix: None)
