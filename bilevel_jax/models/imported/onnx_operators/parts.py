"""Operators that cut tensors apart, join them, and pick from them: Slice, Split, Concat, Pad, Gather, TopK, ..."""

import jax
import jax.numpy as jnp
import numpy as np

from bilevel_jax.models.imported.onnx_operators.layout import Layout, Operator, array_module
from bilevel_jax.models.imported.onnx_operators.node import Node, Value


def concat(node: Node, *parts: Value) -> Value:
    """Concat along one axis."""
    module = array_module(*parts)
    return module.concatenate(
        [module.asarray(part) for part in parts], node.axis(node.integer("axis", 1), parts[0].ndim)
    )


def slice_of(
    node: Node,
    x: Value,
    starts: Value | None = None,
    ends: Value | None = None,
    axes: Value | None = None,
    steps: Value | None = None,
) -> Value:
    """Slice: starts, ends, axes and steps are attributes before version 10, and inputs since."""
    first, last = node.integers_of("starts", starts) or (), node.integers_of("ends", ends) or ()
    along = node.integers_of("axes", axes) or tuple(range(len(first)))
    strides = node.integers_of("steps", steps) or (1,) * len(first)
    index = [slice(None)] * x.ndim
    for start, end, axis, step in zip(first, last, along, strides, strict=True):
        axis = node.axis(axis, x.ndim)
        # With a negative step, an end before the first element is written as a very negative number.
        index[axis] = slice(start, None if step < 0 and end < -x.shape[axis] else end, step)
    return x[tuple(index)]


def split(node: Node, x: Value, sizes: Value | None = None) -> tuple[Value, ...]:
    """Split into parts of given lengths, or into equal parts, of which the last may be shorter."""
    axis = node.axis(node.integer("axis", 0), x.ndim)
    lengths = node.integers_of("split", sizes)
    if lengths is None:
        parts = node.integer("num_outputs", len(node.outputs))
        lengths = (-(-x.shape[axis] // parts),) * parts
    return tuple(array_module(x).split(x, np.cumsum(lengths)[:-1].tolist(), axis))


def pad(
    node: Node, x: Value, amounts: Value | None = None, value: Value | None = None, axes: Value | None = None
) -> Value:
    """Pad by a constant, by the edge, by reflection or periodically. Negative amounts cut."""
    given = node.integers_of("pads", amounts) or ()
    along = node.integers_of("axes", axes) or tuple(range(x.ndim))
    widths = [(0, 0)] * x.ndim
    for i, axis in enumerate(along):
        widths[node.axis(axis, x.ndim)] = (given[i], given[i + len(along)])
    mode = node.chosen("mode", "constant", ("constant", "edge", "reflect", "wrap"))
    kept = [slice(max(0, -before), x.shape[i] - max(0, -after)) for i, (before, after) in enumerate(widths)]
    positive = [(max(0, before), max(0, after)) for before, after in widths]
    x = x[tuple(kept)]
    if mode != "constant":
        return array_module(x).pad(x, positive, mode)
    filling = node.number("value", 0.0) if value is None else value.reshape(())
    return array_module(x, value).pad(x, positive, constant_values=filling)


def gather(node: Node, x: Value, indices: Value) -> Value:
    """Gather along one axis; negative indices count from the end."""
    axis = node.integer("axis", 0) % x.ndim
    if isinstance(indices, np.ndarray) and indices.ndim == 0:
        return x[(slice(None),) * axis + (int(indices),)]  # a slice, whose gradient needs no scatter
    return array_module(x, indices).take(x, indices, axis)


def gather_elements(node: Node, x: Value, indices: Value) -> Value:
    """GatherElements."""
    return array_module(x, indices).take_along_axis(x, indices, node.integer("axis", 0))


def top_k(node: Node, x: Value, count: Value | None = None) -> tuple[Value, Value]:
    """TopK: the largest values along an axis, or the smallest, and their positions."""
    chosen = node.integers_of("k", count) or (node.integer("k", 1),)
    axis, sign = node.integer("axis", -1), 1 if node.integer("largest", 1) else -1
    values, places = jax.lax.top_k(sign * jnp.moveaxis(jnp.asarray(x), axis, -1), chosen[0])
    return jnp.moveaxis(sign * values, -1, axis), jnp.moveaxis(places, -1, axis)


OPERATORS = {
    "Concat": Operator(concat, Layout.AXIS, ("axis",)),
    "Slice": Operator(slice_of, Layout.AXIS, ("starts", "ends", "axes")),
    "Split": Operator(split, Layout.AXIS, ("axis", "split", "num_outputs")),
    "Pad": Operator(pad, Layout.AXIS, ("mode", "pads", "value")),
    "Gather": Operator(gather, attributes=("axis",)),
    "GatherElements": Operator(gather_elements, attributes=("axis",)),
    "TopK": Operator(top_k, attributes=("axis", "k", "largest", "sorted")),
}
