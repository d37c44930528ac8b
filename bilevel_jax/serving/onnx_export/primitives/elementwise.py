"""Operations that compute each element alone. ONNX broadcasts their inputs, so thin axes stay thin."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from bilevel_jax.serving.onnx_export.graph import Graph, Value

Primitive: TypeAlias = Callable[[Graph, Any, list[Value]], list[Value]]


def result(graph: Graph, equation: Any, inputs: list[Value], name: str) -> list[Value]:
    """Returns the one output of an operation that broadcasts its inputs."""
    aval = equation.outvars[0].aval
    shape, rank = tuple(aval.shape), len(aval.shape)
    thin = frozenset(range(rank))
    if rank and all(graph.is_scalar(value) for value in inputs):
        graph.as_scalar(name)
    else:
        for value in inputs:
            if not graph.is_scalar(value):
                thin &= value.thin
    return [Value(name, shape, np.dtype(aval.dtype), thin)]


def _plain(operator: str) -> Primitive:
    def emit(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
        return result(graph, equation, inputs, graph.emit(operator, *(value.name for value in inputs)))

    return emit


def _logical(operator: str, bitwise: str) -> Primitive:
    def emit(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
        chosen = operator if inputs[0].dtype == np.bool_ else bitwise
        return result(graph, equation, inputs, graph.emit(chosen, *(value.name for value in inputs)))

    return emit


def _not_equal(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    return result(graph, equation, inputs, graph.emit("Not", graph.emit("Equal", *(value.name for value in inputs))))


def _square(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    return result(graph, equation, inputs, graph.emit("Mul", inputs[0].name, inputs[0].name))


def _integer_power(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    power = equation.params["y"]
    if power == 2:
        return _square(graph, equation, inputs)
    name = graph.emit("Pow", inputs[0].name, graph.constant(np.asarray(power, inputs[0].dtype)))
    return result(graph, equation, inputs, name)


def _inverse_root(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    return result(graph, equation, inputs, graph.emit("Reciprocal", graph.emit("Sqrt", inputs[0].name)))


def _remainder(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    # With fmod the remainder has the dividend's sign, as JAX's has.
    return result(graph, equation, inputs, graph.emit("Mod", *(value.name for value in inputs), fmod=1))


def _convert(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    kind = np.dtype(equation.params["new_dtype"])
    name = inputs[0].name if inputs[0].dtype == kind else graph.cast(inputs[0].name, kind)
    return result(graph, equation, inputs, name)


def _select(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    which, *cases = inputs
    if which.dtype != np.bool_ or len(cases) != 2:
        raise ValueError("A choice among more than two arrays cannot be exported.")
    return result(graph, equation, inputs, graph.emit("Where", which.name, cases[1].name, cases[0].name))


def _clamp(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    low, values, high = (value.name for value in inputs)
    return result(graph, equation, inputs, graph.emit("Min", graph.emit("Max", values, low), high))


def _same(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    return inputs


TABLE: Mapping[str, Primitive] = {
    **{name: _plain(operator) for name, operator in {
        "abs": "Abs", "add": "Add", "add_any": "Add", "ceil": "Ceil", "cos": "Cos", "div": "Div", "eq": "Equal",
        "erf": "Erf", "exp": "Exp", "floor": "Floor", "ge": "GreaterOrEqual", "gt": "Greater", "le": "LessOrEqual",
        "log": "Log", "logistic": "Sigmoid", "lt": "Less", "max": "Max", "min": "Min", "mul": "Mul", "neg": "Neg",
        "pow": "Pow", "sign": "Sign", "sin": "Sin", "sqrt": "Sqrt", "sub": "Sub", "tanh": "Tanh",
    }.items()},
    "and": _logical("And", "BitwiseAnd"),
    "clamp": _clamp,
    "convert_element_type": _convert,
    "copy": _same,
    "integer_pow": _integer_power,
    "ne": _not_equal,
    "not": _logical("Not", "BitwiseNot"),
    "or": _logical("Or", "BitwiseOr"),
    "rem": _remainder,
    "rsqrt": _inverse_root,
    "select_n": _select,
    "square": _square,
    "stop_gradient": _same,
    "optimization_barrier": _same,
}  # fmt: skip
