"""Symbolic dimensions of `jax.export` as ONNX operators: what 8*floordiv(h + 135, 8) is when the program runs."""

import ast
from collections.abc import Callable, Mapping
from typing import TypeAlias

Dimension: TypeAlias = object  # an int, or a symbolic dimension, which is read from its text
Emit: TypeAlias = Callable[..., str]  # (operator, input names) -> name of the one output

_OPERATORS: Mapping[type, str] = {ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul"}
_CALLS = {"max": "Max", "min": "Min", "mod": "Mod"}


def emit_dimension(dimension: Dimension, symbols: Mapping[str, str], emit: Emit, constant: Callable[[int], str]) -> str:
    """Returns the name of an int64 scalar that holds the dimension when the program runs.

    `jax.export` documents how a symbolic dimension is written (`symbolic_shape` reads the same text), so its text is
    what is read here.

    Args:
        dimension: an int or a symbolic dimension.
        symbols: name of a dimension variable -> name of the int64 scalar that holds it.
        emit: adds an operator to the graph.
        constant: returns the name of an int64 scalar.

    Raises:
        ValueError: the text has an operation that is not known.
    """

    def visit(node: ast.expr) -> str:
        match node:
            case ast.Constant(value=int(value)):
                return constant(value)
            case ast.Name(id=name):
                return symbols[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return emit("Neg", visit(operand))
            case ast.BinOp(left=left, op=ast.BitXor(), right=ast.Constant(value=int(power))):
                name = visit(left)  # h^2 is a power
                product = name
                for _ in range(power - 1):
                    product = emit("Mul", product, name)
                return product
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
                return emit(_OPERATORS[type(operator)], visit(left), visit(right))
            case ast.Call(func=ast.Name(id="floordiv"), args=[left, right]):
                # ONNX's Div rounds towards 0: what is left over, with the divisor's sign, is taken away first.
                whole, divisor = visit(left), visit(right)
                return emit("Div", emit("Sub", whole, emit("Mod", whole, divisor)), divisor)
            case ast.Call(func=ast.Name(id=name), args=[left, right]) if name in _CALLS:
                return emit(_CALLS[name], visit(left), visit(right))
        raise ValueError(f"The dimension {dimension} has a part that cannot be exported: {ast.unparse(node)}.")

    return visit(ast.parse(str(dimension), mode="eval").body)
