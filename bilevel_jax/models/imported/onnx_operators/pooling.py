"""Pooling: the largest value or the mean of windows, and of whole images."""

import itertools
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from bilevel_jax.models.imported.onnx_operators.layout import Layout, Operator
from bilevel_jax.models.imported.onnx_operators.node import Node
from bilevel_jax.models.imported.onnx_operators.resampling import resampled
from bilevel_jax.models.imported.onnx_operators.windows import WINDOW_ATTRIBUTES, Window, windows

Images = Float[Array, "b *size c"]


def max_pool(node: Node, x: Images) -> Images:
    """MaxPool. Where several values of a window are the largest, they share its gradient."""
    if node.integer("storage_order", 0):
        raise node.refused("storage_order=1", "storage_order must be 0")
    window = _windows(node, x)
    lowest = -jnp.inf if jnp.issubdtype(x.dtype, jnp.floating) else jnp.iinfo(x.dtype).min
    x = jnp.pad(x, [(0, 0), *((w.before, w.after) for w in window), (0, 0)], constant_values=lowest)
    for axis, w in enumerate(window, start=1):
        x = _running_max(x, axis, w)
    return x


def average_pool(node: Node, x: Images) -> Images:
    """AveragePool: means of the pixels in each window, and of its padding where count_include_pad is 1."""
    with_padding = bool(node.integer("count_include_pad", 0))
    matrices = {axis: _means(x.shape[axis], w, with_padding) for axis, w in enumerate(_windows(node, x), start=1)}
    return resampled(x, matrices)


def global_average_pool(node: Node, x: Images) -> Images:
    """GlobalAveragePool: the mean of each channel."""
    return jnp.mean(x, tuple(range(1, x.ndim - 1)), keepdims=True)


def global_max_pool(node: Node, x: Images) -> Images:
    """GlobalMaxPool: the largest value of each channel."""
    return jnp.max(x, tuple(range(1, x.ndim - 1)), keepdims=True)


def _windows(node: Node, x: Images) -> Sequence[Window]:
    return windows(node, x.shape[1:-1], node.integers("kernel_shape") or ())


def _running_max(x: Array, axis: int, window: Window) -> Array:
    """The largest of `kernel` values along an axis, from windows that double their length."""
    reached = 1
    while reached < window.kernel:
        step = min(reached, window.kernel - reached)
        length, shift = x.shape[axis], step * window.dilation
        x = jnp.maximum(
            lax.slice_in_dim(x, 0, length - shift, axis=axis), lax.slice_in_dim(x, shift, length, axis=axis)
        )
        reached += step
    return lax.slice_in_dim(x, 0, (window.outputs - 1) * window.stride + 1, window.stride, axis)


def _means(size: int, window: Window, with_padding: bool) -> np.ndarray:
    """The matrix [outputs, size] whose product with an axis is the mean of each window."""
    matrix = np.zeros((window.outputs, size))
    counts = np.zeros((window.outputs, 1))
    for output, tap in itertools.product(range(window.outputs), range(window.kernel)):
        position = output * window.stride + tap * window.dilation - window.before
        inside = 0 <= position < size
        counts[output] += inside or (with_padding and position < size + window.padded)
        if inside:
            matrix[output, position] += 1
    return matrix / np.maximum(counts, 1)


OPERATORS = {
    "MaxPool": Operator(
        max_pool, Layout.IMAGES, ("ceil_mode", "storage_order", *WINDOW_ATTRIBUTES), note="without its indices"
    ),
    "AveragePool": Operator(average_pool, Layout.IMAGES, ("ceil_mode", "count_include_pad", *WINDOW_ATTRIBUTES)),
    "GlobalAveragePool": Operator(global_average_pool, Layout.IMAGES),
    "GlobalMaxPool": Operator(global_max_pool, Layout.IMAGES),
}
