"""Reductions along axes: sums, means, extremes and norms, Softmax, ArgMax and CumSum."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.models.imported.onnx_operators.layout import Operator, array_module
from bilevel_jax.models.imported.onnx_operators.node import Node, Value


def softmax(node: Node, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Softmax. Before version 13 it runs over all axes from `axis` on, together."""
    return _over_axes(node, x, jax.nn.softmax)


def log_softmax(node: Node, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """LogSoftmax, with the axes of Softmax."""
    return _over_axes(node, x, jax.nn.log_softmax)


def cumulative_sum(node: Node, x: Value, axis: Value) -> Value:
    """CumSum."""
    if node.integer("exclusive", 0) or node.integer("reverse", 0):
        raise node.refused("exclusive=1 or reverse=1", "both must be 0")
    return array_module(x).cumsum(x, int(node.known(axis, "axis").reshape(())))


def _over_axes(node: Node, x: Array, function: Callable[..., Array]) -> Array:
    x = jnp.asarray(x)
    if node.version >= 13:
        return function(x, axis=node.integer("axis", -1))
    axis = node.integer("axis", 1) % x.ndim
    return function(x, axis=tuple(range(axis, x.ndim)))


def _reduction(function: Callable[..., Value]) -> Operator:
    """A reduction: (numpy or jax.numpy, x, axes, keepdims) -> result. Its axes are an attribute or an input."""

    def reduce(node: Node, x: Value, axes: Value | None = None) -> Value:
        along = node.integers_of("axes", axes)
        if not along:
            if node.integer("noop_with_empty_axes", 0):
                return x
            along = tuple(range(x.ndim))
        along = tuple(axis % x.ndim for axis in along)
        return function(array_module(x), x, along, bool(node.integer("keepdims", 1)))

    return Operator(reduce, attributes=("axes", "keepdims", "noop_with_empty_axes"))


def _position(name: str) -> Operator:
    def position(node: Node, x: Value) -> Value:
        axis, module = node.integer("axis", 0), array_module(x)
        found = getattr(module, name)(x, axis)
        if node.integer("select_last_index", 0):
            found = x.shape[axis] - 1 - getattr(module, name)(module.flip(x, axis), axis)
        return module.expand_dims(found, axis) if node.integer("keepdims", 1) else found

    return Operator(position, attributes=("axis", "keepdims", "select_last_index"))


_SOFTMAX = ("axis",)

OPERATORS = {
    "ReduceSum": _reduction(lambda module, x, axes, keep: module.sum(x, axes, keepdims=keep, dtype=x.dtype)),
    "ReduceMean": _reduction(lambda module, x, axes, keep: module.mean(x, axes, keepdims=keep)),
    "ReduceMax": _reduction(lambda module, x, axes, keep: module.max(x, axes, keepdims=keep)),
    "ReduceMin": _reduction(lambda module, x, axes, keep: module.min(x, axes, keepdims=keep)),
    "ReduceProd": _reduction(lambda module, x, axes, keep: module.prod(x, axes, keepdims=keep, dtype=x.dtype)),
    "ReduceL1": _reduction(lambda module, x, axes, keep: module.sum(module.abs(x), axes, keepdims=keep)),
    "ReduceL2": _reduction(lambda module, x, axes, keep: module.sqrt(module.sum(x * x, axes, keepdims=keep))),
    "ReduceSumSquare": _reduction(lambda module, x, axes, keep: module.sum(x * x, axes, keepdims=keep)),
    "ReduceLogSumExp": _reduction(
        lambda module, x, axes, keep: jax.scipy.special.logsumexp(jnp.asarray(x), axes, keepdims=keep)
    ),
    "ArgMax": _position("argmax"),
    "ArgMin": _position("argmin"),
    "Softmax": Operator(softmax, attributes=_SOFTMAX),
    "LogSoftmax": Operator(log_softmax, attributes=_SOFTMAX),
    "CumSum": Operator(cumulative_sum, attributes=("exclusive", "reverse"), note="neither exclusive nor reverse"),
}
