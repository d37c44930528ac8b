"""Operations that move elements: shapes, joins and slices."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bilevel_jax.serving.onnx_export.graph import Graph, Value
from bilevel_jax.serving.onnx_export.primitives.elementwise import Primitive


def _output(equation: Any, name: str) -> list[Value]:
    aval = equation.outvars[0].aval
    return [Value(name, tuple(aval.shape), np.dtype(aval.dtype))]


def _broadcast(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    # The array stays as it is, with axes of one element where JAX has more: operators broadcast.
    value, shape = inputs[0], tuple(equation.outvars[0].aval.shape)
    places = equation.params["broadcast_dimensions"]
    if graph.is_scalar(value):
        if shape:
            graph.as_scalar(value.name)
        return [Value(value.name, shape, value.dtype, frozenset(range(len(shape))))]
    added = [axis for axis in range(len(shape)) if axis not in places]
    name = graph.emit("Unsqueeze", value.name, graph.integers(added)) if added else value.name
    grown = {place for axis, place in enumerate(places) if axis in value.thin or value.shape[axis] != shape[place]}
    thin = {axis for axis in (*added, *grown) if shape[axis] != 1}
    return [Value(name, shape, value.dtype, frozenset(thin))]


def _reshape(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    shape = equation.outvars[0].aval.shape
    return _output(equation, graph.emit("Reshape", graph.full(inputs[0]), graph.shape(shape)))


def _squeeze(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    axes = sorted(axis % len(inputs[0].shape) for axis in equation.params["dimensions"])
    return _output(equation, graph.emit("Squeeze", graph.full(inputs[0]), graph.integers(axes)))


def _transpose(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    order = list(equation.params["permutation"])
    return _output(equation, graph.emit("Transpose", graph.full(inputs[0]), perm=order))


def _concatenate(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    axis = equation.params["dimension"]
    return _output(equation, graph.emit("Concat", *(graph.full(value) for value in inputs), axis=axis))


def _stack(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    axis = equation.params["axis"]
    parts = [graph.emit("Unsqueeze", graph.full(value), graph.integers([axis])) for value in inputs]
    return _output(equation, graph.emit("Concat", *parts, axis=axis))


def _split(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    sizes, axis = [int(size) for size in equation.params["sizes"]], equation.params["axis"]
    names = graph.emit_all("Split", graph.full(inputs[0]), graph.integers(sizes), outputs=len(sizes), axis=axis)
    kind = inputs[0].dtype
    return [
        Value(name, tuple(variable.aval.shape), kind) for name, variable in zip(names, equation.outvars, strict=True)
    ]


def _slice(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    starts, stops = equation.params["start_indices"], equation.params["limit_indices"]
    steps = equation.params["strides"] or (1,) * len(starts)
    whole = zip(inputs[0].shape, starts, stops, steps, strict=True)
    axes = [axis for axis, (size, start, stop, step) in enumerate(whole) if start != 0 or stop != size or step != 1]
    if not axes:
        return inputs
    picked = [graph.shape([bounds[axis] for axis in axes]) for bounds in (starts, stops)]
    name = graph.emit(
        "Slice", graph.full(inputs[0]), *picked, graph.integers(axes), graph.integers([steps[axis] for axis in axes])
    )
    return _output(equation, name)


def _pad(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    padding = equation.params["padding_config"]
    if any(inside for _, _, inside in padding):
        raise ValueError("Padding between elements cannot be exported.")
    amounts = graph.shape([low for low, _, _ in padding] + [high for _, high, _ in padding])
    if inputs[0].dtype == np.bool_:  # a runtime may pad numbers alone
        values = graph.cast(graph.full(inputs[0]), np.dtype(np.int32)), graph.cast(inputs[1].name, np.dtype(np.int32))
        return _output(equation, graph.cast(graph.emit("Pad", values[0], amounts, values[1]), np.dtype(np.bool_)))
    return _output(equation, graph.emit("Pad", graph.full(inputs[0]), amounts, inputs[1].name))


TABLE: Mapping[str, Primitive] = {
    "broadcast_in_dim": _broadcast,
    "concatenate": _concatenate,
    "pad": _pad,
    "reshape": _reshape,
    "slice": _slice,
    "split": _split,
    "squeeze": _squeeze,
    "stack": _stack,
    "transpose": _transpose,
}
