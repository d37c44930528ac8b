"""Depthwise convolution as a sum of shifted products, which a CPU computes faster than XLA's grouped convolution."""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from bilevel_jax.models.imported.onnx_operators.windows import Window

# (x [b,*size,c], kernel [d,1,*taps], window of each spatial axis) -> [b,*size2,d]: each channel with its d / c kernels.
Depthwise: TypeAlias = Callable[[Array, Array, Sequence[Window]], Array]

LETTERS = "DHW"


def grouped(
    x: Float[Array, "b *size c"], kernel: Float[Array, "d c_group *taps"], window: Sequence[Window], groups: int
) -> Float[Array, "b *size2 d"]:
    """Returns XLA's convolution in groups."""
    letters = LETTERS[-len(window) :]
    return lax.conv_general_dilated(
        x,
        jnp.moveaxis(kernel, (0, 1), (-1, -2)),
        window_strides=[w.stride for w in window],
        padding=[(w.before, w.after) for w in window],
        rhs_dilation=[w.dilation for w in window],
        dimension_numbers=(f"N{letters}C", f"{letters}IO", f"N{letters}C"),
        feature_group_count=groups,
    )


def by_xla(
    x: Float[Array, "b *size c"], kernel: Float[Array, "d 1 *taps"], window: Sequence[Window]
) -> Float[Array, "b *size2 d"]:
    """Returns the depthwise convolution by XLA."""
    return grouped(x, kernel, window, x.shape[-1])


def shifted_products(
    x: Float[Array, "b *size c"], kernel: Float[Array, "d 1 *taps"], window: Sequence[Window]
) -> Float[Array, "b *size2 d"]:
    """Returns the sum of shifted copies of x, each times its tap. Its gradient is JAX's."""
    channels, multiplier = x.shape[-1], kernel.shape[0] // x.shape[-1]
    products = []
    for offsets, copy in _shifted_copies(x, window):
        taps = kernel[(slice(None), 0, *offsets)]
        if multiplier > 1:
            copy, taps = copy[..., None], taps.reshape(channels, multiplier)
        product = copy * taps
        products.append(product.reshape(*product.shape[: len(window) + 1], -1))
    return functools.reduce(jnp.add, products)


def with_fast_gradient(
    x: Float[Array, "b *size c"], kernel: Float[Array, "d 1 *taps"], window: Sequence[Window]
) -> Float[Array, "b *size2 d"]:
    """Returns `shifted_products` with a gradient of its own: reverse mode works, and forward mode raises TypeError.

    The gradient is a sum of shifted products too. Kernels of several outputs a channel have JAX's gradient.
    """
    if kernel.shape[0] > x.shape[-1]:
        return shifted_products(x, kernel, window)
    return _with_fast_gradient(x, kernel, tuple(window))


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _with_fast_gradient(x: Array, kernel: Array, window: tuple[Window, ...]) -> Array:
    return shifted_products(x, kernel, window)


def _forward(x: Array, kernel: Array, window: tuple[Window, ...]) -> tuple[Array, tuple[Array, Array]]:
    return shifted_products(x, kernel, window), (x, kernel)


def _backward(window: tuple[Window, ...], residuals: tuple[Array, Array], cotangent: Array) -> tuple[Array, Array]:
    x, kernel = residuals
    # With zeros between its pixels where there is a stride, the cotangent is convolved with the kernel turned round.
    filling = [(0, 0, 0)]
    turned_window = []
    for w, size in zip(window, x.shape[1:-1], strict=True):
        first = (w.kernel - 1) * w.dilation - w.before
        last = size + w.span - 1 - first - ((w.outputs - 1) * w.stride + 1)
        filling.append((first, last, w.stride - 1))
        turned_window.append(w._replace(stride=1, before=0, after=0, outputs=size))
    spread = lax.pad(cotangent, jnp.zeros((), cotangent.dtype), [*filling, (0, 0, 0)])
    turned = jnp.flip(kernel, range(2, kernel.ndim))
    taps = [_channel_sums(copy * cotangent) for _, copy in _shifted_copies(x, window)]
    return _with_fast_gradient(spread, turned, tuple(turned_window)), jnp.stack(taps, -1).reshape(kernel.shape)


_with_fast_gradient.defvjp(_forward, _backward)


def _shifted_copies(x: Array, window: Sequence[Window]) -> list[tuple[tuple[int, ...], Array]]:
    """For each tap of the kernel its place and the pixels that it meets, one an output."""
    padded = jnp.pad(x, [(0, 0), *((w.before, w.after) for w in window), (0, 0)])
    copies = []
    for offsets in itertools.product(*(range(w.kernel) for w in window)):
        starts = [offset * w.dilation for offset, w in zip(offsets, window, strict=True)]
        ends = [start + (w.outputs - 1) * w.stride + 1 for start, w in zip(starts, window, strict=True)]
        strides = (1, *(w.stride for w in window), 1)
        copies.append((offsets, lax.slice(padded, (0, *starts, 0), (x.shape[0], *ends, x.shape[-1]), strides)))
    return copies


def _channel_sums(x: Float[Array, "b *size c"]) -> Float[Array, " c"]:
    """The sum over all axes but the last. XLA's sum on a CPU is fast where nothing is fused into it."""
    return jnp.sum(lax.optimization_barrier(x.reshape(-1, x.shape[-1])), 0)


def fastest() -> Depthwise:
    """Returns the variant for the default backend."""
    return with_fast_gradient if jax.default_backend() == "cpu" else by_xla


VARIANTS: dict[str, Depthwise] = {
    "shifted products": with_fast_gradient,
    "with JAX's gradient": shifted_products,
    "by XLA": by_xla,
}
