"""Convolution with a fast gradient on a CPU."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


class Conv(nn.Module):
    """A square convolution [B,H,W,C] -> [B,ceil(H/stride),ceil(W/stride),features] with symmetric zero padding.

    Parameters are laid out as in `nn.Conv`: `kernel` [k,k,C,features] and `bias` [features]. On a CPU, `convolve` has a
    gradient of its own: reverse mode of any order works, and forward mode (`jax.jvp`, `jax.hessian`) raises TypeError.
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
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 features"]:
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {self.kernel_size}, expected an odd number.")
        shape = (self.kernel_size, self.kernel_size, x.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape)
        y = convolve(x, kernel, stride=self.stride, dilation=self.dilation)
        if self.use_bias:
            y = y + self.param("bias", self.bias_init, (self.features,))
        return y


def convolve(
    x: Float[Array, "b h w c"], kernel: Float[Array, "k k c d"], *, stride: int = 1, dilation: int = 1
) -> Float[Array, "b h2 w2 d"]:
    """Returns `x` convolved with `kernel`, padded by dilation (k - 1) / 2 zeros on every side.

    On a CPU, XLA's weight gradient slows down with the number of channels of the wider side. One matrix product of the
    wider side with the k^2 shifted copies of the narrower side does not, but it pays for the copies. So the gradient is
    such a product where the stride is 1 and the wider side has at least 32 channels and three times as many as the
    narrower side; docs/results/cost.md has the measurements. Elsewhere, and on other backends, it is XLA's.

    A 1x1 kernel is a matrix product. With a stride it is one on a CPU alone: jaxlib 0.11.2 for CUDA aborts when it
    compiles the slice before the product (github.com/openxla/xla/issues/47381).
    """
    size, _, narrow, wide = kernel.shape
    narrow, wide = sorted((narrow, wide))
    if size == 1 and (stride == 1 or jax.default_backend() == "cpu"):
        return jnp.einsum("bhwc,cd->bhwd", x[:, ::stride, ::stride], kernel[0, 0])
    if jax.default_backend() == "cpu" and stride == 1 and wide >= max(32, 3 * narrow):
        return _convolve_on_cpu(x, kernel, dilation)
    return _convolve(x, kernel, stride, dilation)


def _convolve(x: Array, kernel: Array, stride: int, dilation: int) -> Array:
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
def _convolve_on_cpu(x: Array, kernel: Array, dilation: int) -> Array:
    return _convolve(x, kernel, 1, dilation)


def _forward(x: Array, kernel: Array, dilation: int) -> tuple[Array, tuple[Array, Array]]:
    return _convolve(x, kernel, 1, dilation), (x, kernel)


def _backward(dilation: int, residuals: tuple[Array, Array], cotangent: Array) -> tuple[Array, Array]:
    x, kernel = residuals
    # With symmetric padding and stride 1, the input's gradient is the same convolution with the kernel turned round.
    turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    return _convolve_on_cpu(cotangent, turned, dilation), _kernel_gradient(x, cotangent, kernel.shape[0], dilation)


_convolve_on_cpu.defvjp(_forward, _backward)


def _kernel_gradient(x: Array, cotangent: Array, size: int, dilation: int) -> Array:
    if x.shape[-1] <= cotangent.shape[-1]:
        return _correlate(_shifted_copies(x, size, dilation), cotangent).reshape(size, size, x.shape[-1], -1)
    # The cotangent is shifted instead of x: an offset of x is the opposite offset of the cotangent.
    product = _correlate(x, _shifted_copies(cotangent, size, dilation))
    return product.reshape(x.shape[-1], size, size, -1)[:, ::-1, ::-1].transpose(1, 2, 0, 3)


def _shifted_copies(x: Array, size: int, dilation: int) -> Array:
    height, width = x.shape[1:3]
    padding = dilation * (size - 1) // 2
    padded = jnp.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    offsets = range(0, size * dilation, dilation)
    return jnp.concatenate([padded[:, i : i + height, j : j + width] for i in offsets for j in offsets], axis=-1)


def _correlate(a: Array, b: Array) -> Array:
    return a.reshape(-1, a.shape[-1]).T @ b.reshape(-1, b.shape[-1])
