"""Convolution whose gradient is quick on a CPU as well."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax


class Conv(nn.Module):
    """A square convolution [B,H,W,C] -> [B,ceil(H/stride),ceil(W/stride),features] with symmetric zero padding.

    Parameters are laid out as in `nn.Conv`: `kernel` [k,k,C,features] and `bias` [features]. On a CPU, where
    `convolve` takes its own gradient, reverse mode of any order goes through it and forward mode (`jax.jvp`,
    `jax.hessian`) raises TypeError.
    Raises ValueError for an even `kernel_size`.
    """

    features: int
    kernel_size: int = 3
    stride: int = 1
    dilation: int = 1
    use_bias: bool = True
    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal()
    bias_init: nn.initializers.Initializer = nn.initializers.zeros

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {self.kernel_size}, expected an odd number.")
        shape = (self.kernel_size, self.kernel_size, x.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape)
        y = convolve(x, kernel, stride=self.stride, dilation=self.dilation)
        if self.use_bias:
            y = y + self.param("bias", self.bias_init, (self.features,))
        return y


def convolve(x: jax.Array, kernel: jax.Array, *, stride: int = 1, dilation: int = 1) -> jax.Array:
    """Returns `x` [B,H,W,C] convolved with `kernel` [k,k,C,D], padded by dilation (k - 1) / 2 zeros on every side.

    XLA's CPU weight gradient slows down with the WIDER side's channels. One matrix product of the wider side with
    the k^2 shifted copies of the narrower one hardly does, but pays for the copies. Weight gradient alone, batch 8,
    3x3, 2-core CPU, jax 0.10.2, 2026-11-22, best of 3-6, milliseconds (in brackets: both cores busy with other work):

    | channels, size, dilation | XLA       | one product |
    |--------------------------|-----------|-------------|
    | 192 -> 32, 96x96, 2      | 260 (265) | 109 (128)   |
    | 128 -> 32, 96x96, 2      | (203-237) | (145-190)   |
    | 64 -> 32, 96x96, 2       | 78 (131)  | 68 (166)    |
    | 64 -> 64, 96x96, 1       | (246)     | (301)       |
    | 2 -> 64, 96x96, 1        | 5.5       | 2.9         |
    | 32 -> 1, 96x96, 1        | 4.6       | 1.9         |
    | 16 -> 8, 96x96, 2        | 5.3       | 5.1         |
    | 40 -> 8, 96x96, 2        | 13.5      | 13.9        |
    | 16 -> 16, 48x48, 1       | 1.5       | 1.8         |

    Hence the product where the wider side has 32 channels or more and three times the narrower side's, and stride 1;
    XLA's elsewhere and on other backends. 1x1 kernels are matrix products anyway.
    """
    size, _, narrow, wide = kernel.shape
    narrow, wide = sorted((narrow, wide))
    if size == 1:
        return jnp.einsum("bhwc,cd->bhwd", x[:, ::stride, ::stride], kernel[0, 0])
    if jax.default_backend() == "cpu" and stride == 1 and wide >= max(32, 3 * narrow):
        return _convolve_on_cpu(x, kernel, dilation)
    return _convolve(x, kernel, stride, dilation)


def _convolve(x: jax.Array, kernel: jax.Array, stride: int, dilation: int) -> jax.Array:
    padding = dilation * (kernel.shape[0] - 1) // 2
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(stride, stride),
        padding=[(padding, padding)] * 2,
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _convolve_on_cpu(x: jax.Array, kernel: jax.Array, dilation: int) -> jax.Array:
    return _convolve(x, kernel, 1, dilation)


def _forward(x: jax.Array, kernel: jax.Array, dilation: int):
    return _convolve(x, kernel, 1, dilation), (x, kernel)


def _backward(dilation: int, residuals: tuple[jax.Array, jax.Array], cotangent: jax.Array):
    x, kernel = residuals
    # Symmetric padding and stride 1: the input's gradient is the same convolution with the kernel turned round.
    turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    return _convolve_on_cpu(cotangent, turned, dilation), _kernel_gradient(x, cotangent, kernel.shape[0], dilation)


_convolve_on_cpu.defvjp(_forward, _backward)


def _kernel_gradient(x: jax.Array, cotangent: jax.Array, size: int, dilation: int) -> jax.Array:
    if x.shape[-1] <= cotangent.shape[-1]:
        return _correlate(_shifted_copies(x, size, dilation), cotangent).reshape(size, size, x.shape[-1], -1)
    # Shifting the cotangent instead: what x meets at +offset, the cotangent meets at -offset.
    product = _correlate(x, _shifted_copies(cotangent, size, dilation))
    return product.reshape(x.shape[-1], size, size, -1)[:, ::-1, ::-1].transpose(1, 2, 0, 3)


def _shifted_copies(x: jax.Array, size: int, dilation: int) -> jax.Array:
    height, width = x.shape[1:3]
    padding = dilation * (size - 1) // 2
    padded = jnp.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    offsets = range(0, size * dilation, dilation)
    return jnp.concatenate([padded[:, i : i + height, j : j + width] for i in offsets for j in offsets], axis=-1)


def _correlate(a: jax.Array, b: jax.Array) -> jax.Array:
    return a.reshape(-1, a.shape[-1]).T @ b.reshape(-1, b.shape[-1])
