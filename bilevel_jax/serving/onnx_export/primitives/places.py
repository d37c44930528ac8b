"""Operations on places: counting, gathering by index, and dimensions as numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bilevel_jax.serving.onnx_export.graph import Graph, Value
from bilevel_jax.serving.onnx_export.primitives.elementwise import Primitive

_INT64 = np.dtype(np.int64)


def _iota(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    aval, axis = equation.outvars[0].aval, equation.params["dimension"]
    shape, kind = tuple(aval.shape), np.dtype(aval.dtype)
    first, step = (graph.constant(np.asarray(value, np.int64)) for value in (0, 1))
    name = graph.cast(graph.emit("Range", first, graph.dimension(shape[axis]), step), kind)
    others = [other for other in range(len(shape)) if other != axis]
    if others:
        name = graph.emit("Unsqueeze", name, graph.integers(others))
    return [Value(name, shape, kind, frozenset(other for other in others if shape[other] != 1))]


def _dimension(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    kind = np.dtype(equation.outvars[0].aval.dtype)
    return [Value(graph.cast(graph.dimension(equation.params["dim"]), kind), (), kind)]


def _gather(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    """Elements, rows or parts along one axis, at given places.

    A place outside of the array is not expected: what JAX does with it depends on the mode.
    """
    values, places = inputs
    numbers, sizes = equation.params["dimension_numbers"], equation.params["slice_sizes"]
    aval = equation.outvars[0].aval
    axes, kind = tuple(numbers.start_index_map), np.dtype(aval.dtype)
    if numbers.operand_batching_dims:
        raise ValueError("Gathering that differs within a batch cannot be exported.")
    if len(places.shape) == 1 and not numbers.collapsed_slice_dims:
        start = graph.cast(graph.full(places), _INT64)
        stop = graph.emit("Add", start, graph.shape([sizes[axis] for axis in axes]))
        steps = graph.integers([1] * len(axes))
        name = graph.emit("Slice", graph.full(values), start, stop, graph.integers(axes), steps)
        return [Value(name, tuple(aval.shape), kind)]
    if len(axes) != 1 or tuple(numbers.collapsed_slice_dims) != axes:
        raise ValueError("Gathering along more than one axis cannot be exported.")
    axis, rank = axes[0], len(places.shape) - 1
    if tuple(numbers.offset_dims) != tuple(at for at in range(len(aval.shape)) if not axis <= at < axis + rank):
        raise ValueError("Gathering that moves axes cannot be exported.")
    index = graph.emit("Squeeze", graph.full(places), graph.integers([rank]))
    return [Value(graph.emit("Gather", graph.full(values), index, axis=axis), tuple(aval.shape), kind)]


TABLE: Mapping[str, Primitive] = {"dim_as_value": _dimension, "gather": _gather, "iota": _iota}
