"""Sums, extremes and sorted values."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bilevel_jax.serving.onnx_export.graph import Graph, Value
from bilevel_jax.serving.onnx_export.primitives.elementwise import Primitive

_INT32 = np.dtype(np.int32)


def _reduction(operator: str) -> Primitive:
    def emit(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
        axes, aval = graph.integers(equation.params["axes"]), equation.outvars[0].aval
        values, logical = graph.full(inputs[0]), inputs[0].dtype == np.bool_
        values = graph.cast(values, _INT32) if logical else values
        name = graph.emit(operator, values, axes, keepdims=0)
        kind = np.dtype(aval.dtype)
        return [Value(graph.cast(name, kind) if logical else name, tuple(aval.shape), kind)]

    return emit


def _largest(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    count, kinds = equation.params["k"], [np.dtype(variable.aval.dtype) for variable in equation.outvars]
    shape = tuple(equation.outvars[0].aval.shape)
    names = graph.emit_all("TopK", graph.full(inputs[0]), graph.shape([count]), outputs=2, axis=len(shape) - 1)
    return [Value(names[0], shape, kinds[0]), Value(graph.cast(names[1], kinds[1]), shape, kinds[1])]


def _sort(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    if len(inputs) != 1:
        raise ValueError("Sorting several arrays together cannot be exported.")
    axis, value = equation.params["dimension"], inputs[0]
    count = graph.shape([value.shape[axis]])
    name = graph.emit("TopK", graph.full(value), count, outputs=2, axis=axis, largest=0)
    return [value._replace(name=name, thin=frozenset())]


def _window_largest(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    params, aval = equation.params, equation.outvars[0].aval
    window, steps, padding = params["window_dimensions"], params["window_strides"], params["padding"]
    moved = [axis for axis, length in enumerate(window) if length > 1]
    fixed = [axis for axis in range(len(window)) if axis not in moved]
    if any(one != 1 for one in (*params["base_dilation"], *params["window_dilation"])):
        raise ValueError("A window with gaps cannot be exported.")
    if len(window) != 4 or len(moved) > 2 or any(steps[axis] != 1 or any(padding[axis]) for axis in fixed):
        raise ValueError("A window over more than two of four axes cannot be exported.")
    # MaxPool's windows are over the last two axes.
    order = [*fixed, *moved]
    last = order[2:]
    name = graph.emit("Transpose", graph.full(inputs[0]), perm=list(order))
    name = graph.emit(
        "MaxPool",
        name,
        kernel_shape=[window[axis] for axis in last],
        strides=[steps[axis] for axis in last],
        pads=[padding[axis][end] for end in (0, 1) for axis in last],
    )
    name = graph.emit("Transpose", name, perm=[order.index(axis) for axis in range(4)])
    return [Value(name, tuple(aval.shape), np.dtype(aval.dtype))]


TABLE: Mapping[str, Primitive] = {
    "reduce_and": _reduction("ReduceMin"),
    "reduce_max": _reduction("ReduceMax"),
    "reduce_min": _reduction("ReduceMin"),
    "reduce_or": _reduction("ReduceMax"),
    "reduce_sum": _reduction("ReduceSum"),
    "reduce_window_max": _window_largest,
    "sort": _sort,
    "top_k": _largest,
}
