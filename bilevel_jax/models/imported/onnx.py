"""An ONNX file as a JAX function: its weights as a pytree that can be trained, its graph as operations of JAX."""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from bilevel_jax.errors import InputError, first_few
from bilevel_jax.models.imported.onnx_file import Graph, Tensor, read_graph
from bilevel_jax.models.imported.onnx_graph import keeps_batch, needed_for, weight_names
from bilevel_jax.models.imported.onnx_heads import Head, find_heads
from bilevel_jax.models.imported.onnx_operators import OPERATORS
from bilevel_jax.models.imported.onnx_operators.layout import Held, in_file_order, run

__all__ = ["Head", "ImportedNetwork", "Tensor", "find_heads", "read_onnx"]

Params = dict[str, Float[Array, "..."]]


class ImportedNetwork(NamedTuple):
    """A network that was read from an ONNX file.

    Attributes:
        params: name -> float32 array, in the layout of the file; "/" in a name is replaced by ".".
        apply: (params, *inputs) -> one array for each of `outputs`, always a tuple. Inputs and outputs have the file's
            layout. It is pure, and it can be traced, differentiated and compiled. A file whose inputs have a fixed
            batch of 1 takes any batch size: the results of the images stand along the first axis. It raises InputError
            where the inputs do not fit.
        inputs: what it is given.
        outputs: what it returns.
        path: the file.
    """

    params: Params
    apply: Callable[..., tuple[Array, ...]]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    path: Path


def read_onnx(path: str | Path, outputs: Sequence[str] | None = None) -> ImportedNetwork:
    """Reads an ONNX file as a function of JAX.

    Trainable are the weights of convolutions and matrix products, scales and biases of normalisations, slopes of PRelu,
    and what is added or multiplied with one value a channel. The statistics of a batch normalisation, single numbers,
    whole numbers and grids of positions stay in the graph.

    Args:
        path: the file. Weights that it keeps in a second file are read too.
        outputs: names of tensors inside the graph to end at, in the order in which they are wanted. What they do not
            need is left out. None = the outputs of the file.

    Raises:
        InputError: the package onnx is missing; the file is missing, damaged or no ONNX; an operator or one of its
            attributes is not implemented; a name in `outputs` is unknown.
    """
    path = Path(path)
    graph = needed_for(read_graph(path), outputs)
    _refuse_unknown(graph)
    weights = weight_names(graph)
    params = {ours: jnp.asarray(graph.constants[name]) for name, ours in weights.items()}
    constants = {name: array for name, array in graph.constants.items() if name not in weights}
    apply = functools.partial(_apply, graph, constants, weights)
    return ImportedNetwork(params, apply, graph.inputs, graph.outputs, path)


def _refuse_unknown(graph: Graph) -> None:
    """Names what is not implemented, before anything is computed."""
    unknown = {node.operator: node for node in graph.nodes if node.operator not in OPERATORS}
    if unknown:
        first = next(iter(unknown.values()))
        raise InputError(
            f"{graph.file}: the operator {first_few(unknown, 10)} cannot be imported (first at the node "
            f"{first.name!r}); export the network without it, end the network before it with outputs=, or add the "
            "operator to bilevel_jax/models/imported/onnx_operators."
        )
    for node in graph.nodes:
        extra = [name for name in node.attributes if name not in OPERATORS[node.operator].attributes]
        if extra:
            raise node.refused(f"the attribute {extra[0]!r}", f"{node.operator} is read without this attribute")


def _apply(
    graph: Graph, constants: Mapping[str, np.ndarray], weights: Mapping[str, str], params: Params, *inputs: Array
) -> tuple[Array, ...]:
    """Checks the inputs, and runs images one by one through a graph that is made for a batch of one."""
    _check(graph, weights, params, inputs)
    arrays = [jnp.asarray(array) for array in inputs]
    function = functools.partial(_evaluate, graph, constants, weights, params)
    lengths = {array.shape[0] for tensor, array in zip(graph.inputs, arrays, strict=True) if _is_single(tensor)}
    if not lengths or lengths == {1} or keeps_batch(graph):
        return function(*arrays)
    if len(lengths) > 1:
        raise InputError(f"{graph.file}: its inputs have batches of {sorted(lengths)}; expected one batch size.")
    axes = [0 if _is_single(tensor) else None for tensor in graph.inputs]
    # vmap merges the two leading axes in each convolution, since the kernels have none of the images' axes.
    given = [array if axis is None else array[:, None] for array, axis in zip(arrays, axes, strict=True)]
    results = jax.vmap(function, in_axes=axes)(*given)
    return tuple(result[:, 0] if result.ndim > 1 and result.shape[1] == 1 else result for result in results)


def _is_single(tensor: Tensor) -> bool:
    """Whether the file fixes a batch of one."""
    return tensor.shape is not None and tensor.shape[:1] == (1,)


def _check(graph: Graph, weights: Mapping[str, str], params: Params, inputs: Sequence[Array]) -> None:
    names = ", ".join(tensor.name for tensor in graph.inputs)
    if len(inputs) != len(graph.inputs):
        raise InputError(f"{graph.file}: {len(inputs)} inputs are given; expected {len(graph.inputs)}: {names}.")
    for tensor, array in zip(graph.inputs, inputs, strict=True):
        wanted, given = tensor.shape, np.shape(array)
        # The last axes, height and width, may differ as far as the graph allows it.
        if wanted is not None and (len(wanted) != len(given) or wanted[1:2] not in ((None,), given[1:2])):
            raise InputError(
                f"{graph.file}: the input {tensor.name!r} has the shape {list(given)}; expected "
                f"{[length or '?' for length in wanted]}, where batch, height and width may differ."
            )
    missing = [name for name in weights.values() if name not in params]
    if missing:
        raise InputError(f"{graph.file}: the parameters lack {first_few(missing)}; expected those of read_onnx.")


def _evaluate(
    graph: Graph, constants: Mapping[str, np.ndarray], weights: Mapping[str, str], params: Params, *inputs: Array
) -> tuple[Array, ...]:
    values: dict[str, Held] = {"": None, **constants}
    values.update({name: jnp.asarray(params[ours]) for name, ours in weights.items()})
    values.update({tensor.name: array for tensor, array in zip(graph.inputs, inputs, strict=True)})
    for node in graph.nodes:
        results = run(OPERATORS[node.operator], node, [values[name] for name in node.inputs])
        values.update({name: result for name, result in zip(node.outputs, results, strict=False) if name})
    return tuple(jnp.asarray(in_file_order(values[tensor.name])) for tensor in graph.outputs)
