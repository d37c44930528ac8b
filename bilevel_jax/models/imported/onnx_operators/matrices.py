"""Matrix products: MatMul, Gemm and Einsum."""

import jax.numpy as jnp

from bilevel_jax.models.imported.onnx_operators.layout import Operator, array_module
from bilevel_jax.models.imported.onnx_operators.node import Node, Value


def matmul(node: Node, a: Value, b: Value) -> Value:
    """MatMul, with numpy's broadcasting."""
    return array_module(a, b).matmul(a, b)


def gemm(node: Node, a: Value, b: Value, c: Value | None = None) -> Value:
    """Gemm: alpha a b + beta c, where a and b may be transposed."""
    a = a.T if node.integer("transA", 0) else a
    b = b.T if node.integer("transB", 0) else b
    y = node.number("alpha", 1.0) * jnp.matmul(a, b)
    return y if c is None else y + node.number("beta", 1.0) * c


def einsum(node: Node, *operands: Value) -> Value:
    """Einsum."""
    return jnp.einsum(node.text("equation", ""), *operands)


OPERATORS = {
    "MatMul": Operator(matmul, weights=(0, 1)),
    "Gemm": Operator(gemm, attributes=("alpha", "beta", "transA", "transB"), weights=(1, 2)),
    "Einsum": Operator(einsum, attributes=("equation",), weights=(0, 1)),
}
