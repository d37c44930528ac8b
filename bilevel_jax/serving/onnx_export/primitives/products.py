"""Convolutions and products of matrices."""

import itertools
import string
from collections.abc import Mapping
from typing import Any

import numpy as np

from bilevel_jax.serving.onnx_export.graph import Graph, Value
from bilevel_jax.serving.onnx_export.primitives.elementwise import Primitive


def _convolution(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    params, aval = equation.params, equation.outvars[0].aval
    numbers = params["dimension_numbers"]
    if any(step != 1 for step in params["lhs_dilation"]) or params["batch_group_count"] != 1:
        raise ValueError("A transposed convolution cannot be exported.")
    images = graph.emit("Transpose", graph.full(inputs[0]), perm=list(numbers.lhs_spec))
    kernel = graph.emit("Transpose", graph.full(inputs[1]), perm=list(numbers.rhs_spec))
    before, after = zip(*params["padding"], strict=True)
    result = graph.emit(
        "Conv",
        images,
        kernel,
        pads=[int(amount) for amount in (*before, *after)],
        strides=list(params["window_strides"]),
        dilations=list(params["rhs_dilation"]),
        group=params["feature_group_count"],
    )
    back = [numbers.out_spec.index(axis) for axis in range(len(numbers.out_spec))]
    return [Value(graph.emit("Transpose", result, perm=back), tuple(aval.shape), np.dtype(aval.dtype))]


def _product(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    (contracted, batch), aval = equation.params["dimension_numbers"], equation.outvars[0].aval
    ranks = [len(value.shape) for value in inputs]
    if contracted == ((ranks[0] - 1,), (0,)) and ranks[1] == 2:
        name = graph.emit("MatMul", *(graph.full(value) for value in inputs))
        return [Value(name, tuple(aval.shape), np.dtype(aval.dtype))]
    letters = iter(string.ascii_lowercase)
    axes: list[dict[int, str]] = [{}, {}]
    for left, right in itertools.chain(zip(*batch, strict=True), zip(*contracted, strict=True)):
        axes[0][left] = axes[1][right] = next(letters)
    shared = [axes[0][axis] for axis in batch[0]]
    own: list[str] = []
    for side in range(2):
        for axis in range(ranks[side]):
            if axis not in axes[side]:
                axes[side][axis] = next(letters)
                own.append(axes[side][axis])
    terms = ["".join(axes[side][axis] for axis in range(ranks[side])) for side in range(2)]
    equation_text = f"{terms[0]},{terms[1]}->{''.join([*shared, *own])}"
    name = graph.emit("Einsum", *(graph.full(value) for value in inputs), equation=equation_text)
    return [Value(name, tuple(aval.shape), np.dtype(aval.dtype))]


TABLE: Mapping[str, Primitive] = {"conv_general_dilated": _convolution, "dot_general": _product}
