"""Constants: Constant, ConstantOfShape, Range and Identity."""

import numpy as np

from bilevel_jax.models.imported.onnx_operators.layout import Layout, Operator
from bilevel_jax.models.imported.onnx_operators.node import Node, Value


def constant(node: Node) -> Value:
    """Constant: one of several attributes holds the value."""
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in node.attributes:
            value = node.attributes[name]
            kind = np.float32 if "float" in name else np.int64
            return value if isinstance(value, np.ndarray) else np.asarray(value, kind)
    raise node.refused("no value", "it must have a value of numbers")


def constant_of_shape(node: Node, shape: Value) -> Value:
    """ConstantOfShape: zeros where the file gives no value."""
    value = node.attributes.get("value", np.zeros(1, np.float32))
    value = np.asarray(value).reshape(())
    return np.full(node.integers_of("shape", shape) or (), value, value.dtype)


def range_of(node: Node, start: Value, limit: Value, step: Value) -> Value:
    """Range."""
    first, end, by = (node.known(value, "bounds").reshape(-1)[0] for value in (start, limit, step))
    return np.arange(first, end, by, dtype=first.dtype)


def identity(node: Node, x: Value) -> Value:
    """Identity."""
    return x


OPERATORS = {
    "Constant": Operator(
        constant, attributes=("value", "value_float", "value_floats", "value_int", "value_ints"), note="numbers only"
    ),
    "ConstantOfShape": Operator(constant_of_shape, attributes=("value",)),
    "Range": Operator(range_of),
    "Identity": Operator(identity, Layout.ANY),
}
