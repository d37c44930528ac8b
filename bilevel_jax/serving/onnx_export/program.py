"""A traced JAX program as operators of an ONNX graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jax.extend.core import Literal

from bilevel_jax.errors import InputError
from bilevel_jax.serving.onnx_export.graph import Graph, Value, value_of
from bilevel_jax.serving.onnx_export.primitives import PRIMITIVES

# Primitives that hold a program, with the parameter that it stands in.
PROGRAMS = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "checkpoint": "jaxpr",
    "remat2": "jaxpr",
}


def emit_program(graph: Graph, program: Any, inputs: Sequence[Value]) -> list[Value]:
    """Adds the operators of a program to the graph and returns its outputs.

    Args:
        graph: that grows.
        program: what `jax.make_jaxpr` returned, with symbolic dimensions or without.
        inputs: one value for each argument of the program.

    Raises:
        InputError: the program has an operation that no file of `primitives` knows.
    """
    inner: Any = program
    constants: Sequence[Any] = ()
    if hasattr(program, "consts"):  # a program with its constants
        inner, constants = program.jaxpr, program.consts
    known: dict[Any, Value] = dict(zip(inner.invars, inputs, strict=True))
    for variable, array in zip(inner.constvars, constants, strict=True):
        known[variable] = value_of(graph.constant(np.asarray(array)), variable.aval)

    def read(atom: Any) -> Value:
        aval: Any = atom.aval
        if not isinstance(atom, Literal):
            return known[atom]
        return value_of(graph.constant(np.asarray(atom.val, aval.dtype)), aval)

    for equation in inner.eqns:
        name, given = equation.primitive.name, [read(atom) for atom in equation.invars]
        if name in PROGRAMS:
            results = emit_program(graph, equation.params[PROGRAMS[name]], given)
        elif name in PRIMITIVES:
            results = PRIMITIVES[name](graph, equation, given)
        else:
            raise InputError(
                f"The network uses the operation {name} of JAX, which has no ONNX operator here; expected a network of "
                f"the operations {', '.join(sorted(PRIMITIVES))}, or a new entry in serving/onnx_export/primitives."
            )
        known.update(zip(equation.outvars, results, strict=True))
    return [read(atom) for atom in inner.outvars]
