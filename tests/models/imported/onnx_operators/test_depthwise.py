"""Depthwise convolution: all variants and their gradients agree, for every kind of window."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.models.imported.onnx_operators.depthwise import VARIANTS, by_xla
from bilevel_jax.models.imported.onnx_operators.windows import Window


def window(size, kernel, stride, dilation, before, after):
    span = (kernel - 1) * dilation + 1
    return Window(kernel, stride, dilation, before, after, after, (size + before + after - span) // stride + 1)


@pytest.mark.parametrize("variant", [name for name in VARIANTS if VARIANTS[name] is not by_xla])
@pytest.mark.parametrize(
    ("rows", "columns", "multiplier"),
    [
        ((3, 1, 1, 1, 1), (3, 1, 1, 1, 1), 1),
        ((3, 2, 1, 1, 1), (3, 2, 1, 1, 1), 1),
        ((5, 3, 1, 0, 4), (2, 1, 3, 5, 0), 1),
        ((1, 2, 1, 0, 0), (3, 2, 2, 2, 2), 1),
        ((3, 1, 1, 1, 1), (3, 2, 1, 1, 1), 2),
    ],
)
def test_all_variants_have_the_gradients_of_xla(variant, rows, columns, multiplier):
    windows = (window(9, *rows), window(12, *columns))
    draw = np.random.default_rng(0)
    x = jnp.asarray(draw.normal(size=(2, 9, 12, 4)), jnp.float32)
    kernel = jnp.asarray(draw.normal(size=(4 * multiplier, 1, rows[0], columns[0])), jnp.float32)
    y, pull = jax.vjp(lambda *both: VARIANTS[variant](*both, windows), x, kernel)
    expected, expected_pull = jax.vjp(lambda *both: by_xla(*both, windows), x, kernel)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5)
    cotangent = jnp.asarray(draw.normal(size=y.shape), jnp.float32)
    for ours, theirs in zip(pull(cotangent), expected_pull(cotangent), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-5)


def test_the_fast_gradient_can_be_differentiated_again():
    """As an estimator does that needs a Hessian times a vector; also for a batch of convolutions, under vmap."""
    windows = (window(4, 3, 1, 1, 1, 1),) * 2
    x, kernel = jnp.linspace(-1, 1, 64).reshape(1, 4, 4, 4), jnp.linspace(0, 1, 36).reshape(4, 1, 3, 3)

    def slope(variant, x):
        norm = lambda kernel: jnp.sum(jax.grad(lambda k: jnp.sum(variant(x, k, windows) ** 3))(kernel) ** 2)
        return jax.grad(norm)(kernel)

    expected = slope(by_xla, x)
    np.testing.assert_allclose(slope(VARIANTS["shifted products"], x), expected, rtol=1e-4)
    twice = jax.vmap(lambda x: slope(VARIANTS["shifted products"], x))(jnp.stack([x, x]))
    np.testing.assert_allclose(twice[1], expected, rtol=1e-4)
