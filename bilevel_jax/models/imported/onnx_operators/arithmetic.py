"""Arithmetic, comparisons and conversions of each element. On shapes and constants they are computed while tracing."""

import functools
from collections.abc import Callable
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np

from bilevel_jax.models.imported.onnx_operators.layout import Layout, Operator, array_module
from bilevel_jax.models.imported.onnx_operators.node import Node, Value

# Numbers of ONNX's TensorProto.DataType. All floating point is computed as float32.
TYPES = {1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool"} | {
    10: "float32",
    11: "float32",
    12: "uint32",
    13: "uint64",
    16: "float32",
}


def cast(node: Node, x: Value, *like: Value) -> Value:
    """Cast and CastLike. Floating-point numbers keep their precision when the target is floating point.

    Raises InputError where the target is a text, a complex number, or a number of less than 8 bits or float8.
    """
    if not like and node.integer("to", 1) not in TYPES:
        raise node.refused(f"the data type number {node.integer('to', 1)}", "it must be a common type of numbers")
    wanted = like[0].dtype if like else np.dtype(TYPES[node.integer("to", 1)])
    if jnp.issubdtype(wanted, jnp.floating) and jnp.issubdtype(x.dtype, jnp.floating):
        return x
    return x.astype(wanted if isinstance(x, np.ndarray) else jax.dtypes.canonicalize_dtype(wanted))


def divide(node: Node, a: Value, b: Value) -> Value:
    """Div; the quotient of whole numbers is rounded towards 0."""
    module = array_module(a, b)
    if all(jnp.issubdtype(value.dtype, jnp.integer) for value in (a, b)):
        return module.sign(a) * module.sign(b) * (module.abs(a) // module.abs(b))
    return module.divide(a, b)


def power(node: Node, a: Value, b: Value) -> Value:
    """Pow. A constant exponent that is a small whole number becomes a product, which has a gradient at 0."""
    if isinstance(b, np.ndarray) and b.size == 1 and float(b.reshape(())).is_integer():
        return a ** int(b.reshape(()))
    return array_module(a, b).power(a, b).astype(a.dtype)


def modulo(node: Node, a: Value, b: Value) -> Value:
    """Mod: the sign is the divisor's, or with fmod the dividend's."""
    module = array_module(a, b)
    return module.fmod(a, b) if node.integer("fmod", 0) else module.mod(a, b)


def mean(node: Node, *values: Value) -> Value:
    """Mean of tensors."""
    return functools.reduce(jnp.add, values) / len(values)


def _function(choose: Callable[[ModuleType], Callable[..., Value]]) -> Operator:
    """An operator that numpy and jax.numpy have under one name."""
    return Operator(lambda node, *values: choose(array_module(*values))(*values), Layout.ANY)


def _binary(choose: Callable[[ModuleType], Callable[..., Value]]) -> Operator:
    """An operator with two operands, one of which may be a trainable value a channel."""
    return _function(choose)._replace(weights=(-1,))


def _folded(choose: Callable[[ModuleType], Callable[..., Value]]) -> Operator:
    """An operator of any number of operands, by one of two."""
    return Operator(lambda node, *values: functools.reduce(choose(array_module(*values)), values), Layout.ANY)


OPERATORS = {
    "Add": _binary(lambda module: module.add),
    "Sub": _binary(lambda module: module.subtract),
    "Mul": _binary(lambda module: module.multiply),
    "Div": Operator(divide, Layout.ANY, weights=(-1,)),
    "Pow": Operator(power, Layout.ANY),
    "Mod": Operator(modulo, Layout.ANY, ("fmod",)),
    "Min": _folded(lambda module: module.minimum),
    "Max": _folded(lambda module: module.maximum),
    "Sum": _folded(lambda module: module.add),
    "Mean": Operator(mean, Layout.ANY),
    "Abs": _function(lambda module: module.abs),
    "Neg": _function(lambda module: module.negative),
    "Exp": _function(lambda module: module.exp),
    "Log": _function(lambda module: module.log),
    "Sqrt": _function(lambda module: module.sqrt),
    "Reciprocal": _function(lambda module: module.reciprocal),
    "Floor": _function(lambda module: module.floor),
    "Ceil": _function(lambda module: module.ceil),
    "Round": _function(lambda module: module.round),
    "Sign": _function(lambda module: module.sign),
    "Sin": _function(lambda module: module.sin),
    "Cos": _function(lambda module: module.cos),
    "Equal": _function(lambda module: module.equal),
    "Less": _function(lambda module: module.less),
    "LessOrEqual": _function(lambda module: module.less_equal),
    "Greater": _function(lambda module: module.greater),
    "GreaterOrEqual": _function(lambda module: module.greater_equal),
    "And": _function(lambda module: module.logical_and),
    "Or": _function(lambda module: module.logical_or),
    "Xor": _function(lambda module: module.logical_xor),
    "Not": _function(lambda module: module.logical_not),
    "Where": _function(lambda module: module.where),
    "Cast": Operator(cast, Layout.ANY, ("to", "saturate", "round_mode"), note="floating point stays float32"),
    "CastLike": Operator(cast, Layout.ANY, ("saturate", "round_mode")),
}
