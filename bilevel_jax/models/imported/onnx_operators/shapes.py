"""Operators that change a shape and no value: Reshape, Transpose, Squeeze, Expand, ... and Shape itself."""

import numpy as np

from bilevel_jax.models.imported.onnx_operators.layout import Operator, array_module
from bilevel_jax.models.imported.onnx_operators.node import Node, Value


def reshape(node: Node, x: Value, shape: Value | None = None) -> Value:
    """Reshape: 0 keeps an axis of the input, unless `allowzero` is set; -1 takes what is left."""
    wanted = list(node.integers_of("shape", shape) or ())
    if not node.integer("allowzero", 0):
        wanted = [x.shape[i] if length == 0 else length for i, length in enumerate(wanted)]
    known = int(np.prod([length for length in wanted if length >= 0]))
    if x.size != known and (-1 not in wanted or known == 0 or x.size % known):
        raise node.refused(
            f"an input of shape {list(x.shape)} for the shape {wanted} that the file bakes in",
            "the input must have the size that the network was exported for",
        )
    return x.reshape(wanted)


def flatten(node: Node, x: Value) -> Value:
    """Flatten to two axes."""
    axis = node.integer("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(int(np.prod(x.shape[:axis])), -1)


def transpose(node: Node, x: Value) -> Value:
    """Transpose; without `perm` the axes are reversed."""
    return array_module(x).transpose(x, node.integers("perm") or tuple(reversed(range(x.ndim))))


def squeeze(node: Node, x: Value, axes: Value | None = None) -> Value:
    """Squeeze the given axes, or all of length 1."""
    return array_module(x).squeeze(x, node.integers_of("axes", axes))


def unsqueeze(node: Node, x: Value, axes: Value | None = None) -> Value:
    """Unsqueeze: the axes count in the result."""
    return array_module(x).expand_dims(x, node.integers_of("axes", axes) or ())


def expand(node: Node, x: Value, shape: Value) -> Value:
    """Expand: broadcasts in both directions."""
    wanted = np.broadcast_shapes(x.shape, node.integers_of("shape", shape) or ())
    return array_module(x).broadcast_to(x, wanted)


def tile(node: Node, x: Value, repeats: Value) -> Value:
    """Tile."""
    return array_module(x).tile(x, node.integers_of("repeats", repeats) or ())


def shape_of(node: Node, x: Value) -> Value:
    """Shape, or a part of it. It is known while the graph is traced."""
    return np.array(x.shape[node.integer("start", 0) : node.integer("end", x.ndim)], np.int64)


def size_of(node: Node, x: Value) -> Value:
    """Size: the number of elements."""
    return np.array(x.size, np.int64)


def depth_to_space(node: Node, x: Value) -> Value:
    """DepthToSpace."""
    block = node.integer("blocksize", 1)
    b, c, h, w = x.shape
    deep = node.chosen("mode", "DCR", ("DCR", "CRD")) == "DCR"
    if deep:
        x = x.reshape(b, block, block, -1, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        x = x.reshape(b, -1, block, block, h, w).transpose(0, 1, 4, 2, 5, 3)
    return x.reshape(b, c // block**2, h * block, w * block)


def space_to_depth(node: Node, x: Value) -> Value:
    """SpaceToDepth."""
    block = node.integer("blocksize", 1)
    b, c, h, w = x.shape
    x = x.reshape(b, c, h // block, block, w // block, block).transpose(0, 3, 5, 1, 2, 4)
    return x.reshape(b, -1, h // block, w // block)


OPERATORS = {
    "Reshape": Operator(reshape, attributes=("allowzero", "shape")),
    "Flatten": Operator(flatten, attributes=("axis",)),
    "Transpose": Operator(transpose, attributes=("perm",)),
    "Squeeze": Operator(squeeze, attributes=("axes",)),
    "Unsqueeze": Operator(unsqueeze, attributes=("axes",)),
    "Expand": Operator(expand),
    "Tile": Operator(tile),
    "Shape": Operator(shape_of, attributes=("start", "end")),
    "Size": Operator(size_of),
    "DepthToSpace": Operator(depth_to_space, attributes=("blocksize", "mode")),
    "SpaceToDepth": Operator(space_to_depth, attributes=("blocksize",)),
}
