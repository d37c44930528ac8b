"""The convolution's own CPU gradient against XLA's."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from bilevel_jax.models import convolution
from bilevel_jax.models.convolution import Conv, convolve

# kernel, dilation, stride, channels in, channels out. The first five have their own gradient on a CPU.
CASES = [
    (3, 1, 1, 32, 8),
    (3, 2, 1, 2, 40),
    (5, 1, 1, 33, 3),
    (3, 3, 1, 1, 32),
    (3, 2, 1, 96, 32),
    (3, 1, 1, 8, 8),
    (3, 1, 2, 40, 4),
    (7, 1, 2, 3, 8),
    (1, 1, 1, 5, 6),
    (1, 1, 2, 32, 4),
]


def _plain(x, kernel, stride, dilation):
    padding = dilation * (kernel.shape[0] - 1) // 2
    return lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        [(padding, padding)] * 2,
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_value_and_gradients_equal_the_plain_convolutions(case):
    size, dilation, stride, channels, features = case
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(2, 9, 12, channels)), jnp.float32)
    kernel = jnp.asarray(rng.normal(size=(size, size, channels, features)) / size / channels**0.5, jnp.float32)
    ours, pull = jax.vjp(lambda x, kernel: convolve(x, kernel, stride=stride, dilation=dilation), x, kernel)
    theirs, plain_pull = jax.vjp(lambda x, kernel: _plain(x, kernel, stride, dilation), x, kernel)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    cotangent = jnp.asarray(rng.normal(size=ours.shape), jnp.float32)
    for mine, plain in zip(pull(cotangent), plain_pull(cotangent), strict=True):
        np.testing.assert_allclose(mine, plain, atol=1e-5 * float(jnp.abs(plain).max()))


def test_on_a_gpu_a_1x1_kernel_with_a_stride_is_a_convolution(monkeypatch):
    """XLA's compiler for CUDA aborts over some products of a strided slice."""
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    x, kernel = jnp.ones((1, 6, 7, 3)), jnp.ones((1, 1, 3, 2))
    text = str(jax.make_jaxpr(lambda x, kernel: convolve(x, kernel, stride=2))(x, kernel))
    assert "conv_general_dilated" in text and "dot_general" not in text
    np.testing.assert_allclose(convolve(x, kernel, stride=2), 3 * jnp.ones((1, 3, 4, 2)))


def test_second_derivatives_equal_the_plain_convolutions():
    rng = np.random.default_rng(1)
    x = jnp.asarray(rng.normal(size=(1, 6, 7, 32)), jnp.float32)
    kernel = jnp.asarray(rng.normal(size=(3, 3, 32, 4)) / 10, jnp.float32)

    def penalty(convolution):
        def norm(kernel, x):
            slope = jax.grad(lambda x: jnp.sum(jnp.tanh(convolution(x, kernel))))(x)
            weights = jax.grad(lambda kernel: jnp.sum(jnp.tanh(convolution(x, kernel))))(kernel)
            return jnp.sum(slope**2) + jnp.sum(weights**2)

        return jax.jit(jax.grad(norm, (0, 1)))(kernel, x)

    ours = penalty(lambda x, kernel: convolve(x, kernel, dilation=2))
    plain = penalty(lambda x, kernel: _plain(x, kernel, 1, 2))
    for mine, theirs in zip(ours, plain, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5 * float(jnp.abs(theirs).max()))


def test_the_rule_says_which_convolutions_have_their_own_gradient(monkeypatch):
    def has_own(channels, features, **options):
        arguments = jnp.zeros((1, 8, 8, channels)), jnp.zeros((3, 3, channels, features))
        return "custom_vjp" in str(jax.make_jaxpr(lambda x, kernel: convolve(x, kernel, **options))(*arguments))

    assert has_own(96, 32, dilation=2) and has_own(2, 64)
    assert not has_own(64, 64) and not has_own(16, 8) and not has_own(64, 32) and not has_own(96, 32, stride=2)
    monkeypatch.setattr(convolution.jax, "default_backend", lambda: "gpu")
    assert not has_own(96, 32)


def test_module_is_nn_conv():
    x = jax.random.normal(jax.random.key(0), (2, 8, 9, 3))
    ours, theirs = Conv(5, dilation=2), nn.Conv(5, (3, 3), kernel_dilation=2)
    params = ours.init(jax.random.key(1), x)
    assert jax.tree.map(jnp.shape, params) == jax.tree.map(jnp.shape, theirs.init(jax.random.key(1), x))
    np.testing.assert_allclose(ours.apply(params, x), theirs.apply(params, x), atol=1e-6)
    with pytest.raises(ValueError, match="kernel_size is 4"):
        Conv(5, kernel_size=4).init(jax.random.key(0), x)
