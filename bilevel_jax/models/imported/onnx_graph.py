"""Questions about an ONNX graph: what outputs need, which constants are weights, whether images stay apart."""

from collections.abc import Mapping, Sequence

import numpy as np

from bilevel_jax.errors import InputError
from bilevel_jax.models.imported.onnx_file import Graph, Tensor
from bilevel_jax.models.imported.onnx_operators.layout import Layout, Operator
from bilevel_jax.models.imported.onnx_operators.node import Node

# Operators that only pass a constant on: a weight behind one of them is a weight.
PASSING = ("Identity", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Cast", "Flatten")


def needed_for(graph: Graph, outputs: Sequence[str] | None) -> Graph:
    """Returns the part of a graph that the outputs need; constants of nodes join the file's constants.

    Raises:
        InputError: an output is unknown.
    """
    found = {node.outputs[0]: node.attributes["value"] for node in graph.nodes if _is_constant(node)}
    constants = {**graph.constants, **{name: np.asarray(value) for name, value in found.items()}}
    ends = graph.outputs if outputs is None else tuple(_named(graph, name) for name in outputs)
    wanted, kept = {tensor.name for tensor in ends}, []
    for node in reversed(graph.nodes):
        if wanted.intersection(filter(None, node.outputs)) and node.outputs[0] not in found:
            kept.append(node)
            wanted.update(node.inputs)
    return graph._replace(
        nodes=tuple(reversed(kept)),
        constants={name: array for name, array in constants.items() if name in wanted},
        inputs=tuple(tensor for tensor in graph.inputs if tensor.name in wanted),
        outputs=ends,
    )


def weight_names(graph: Graph, operators: Mapping[str, Operator]) -> dict[str, str]:
    """Returns the constants that can be trained, as name in the file -> name in the parameters."""
    demanded: set[str] = set()
    sizes = _sizes(graph)
    for node in reversed(graph.nodes):
        for position, name in enumerate(node.inputs):
            weighs = not sizes.intersection(node.outputs)  # what sizes are multiplied with is no weight
            if weighs and _is_weight(operators[node.operator], position, graph.constants.get(name)):
                demanded.add(name)
        if node.operator in PASSING and node.outputs[0] in demanded:
            demanded.add(node.inputs[0])
    names = [name for name, array in graph.constants.items() if name in demanded and array.dtype.kind == "f"]
    ours = {name: name.replace("/", ".") for name in names}
    if len(set(ours.values())) < len(ours):
        raise InputError(f"{graph.file}: two weights have names that differ in '/' and '.' alone; rename one of them.")
    return ours


def keeps_batch(graph: Graph, operators: Mapping[str, Operator]) -> bool:
    """Whether every operator surely treats the images of a batch alike and apart, so that any batch size fits."""
    return all(_keeps_batch(node, operators[node.operator].layout, graph) for node in graph.nodes)


def _keeps_batch(node: Node, layout: Layout, graph: Graph) -> bool:
    if layout is not Layout.AXIS:
        return layout in (Layout.IMAGES, Layout.ANY)
    if node.operator == "Slice":
        axes = graph.constants.get(node.inputs[3]) if len(node.inputs) > 3 else node.integers("axes")
        return axes is not None and min(np.asarray(axes).tolist(), default=0) > 0
    default = 1 if node.operator == "Concat" else 0
    return node.operator in ("Concat", "Split") and node.integer("axis", default) > 0


def _is_weight(operator: Operator, position: int, array: np.ndarray | None) -> bool:
    if position in operator.weights:
        return True
    # One axis with more than one value: a value a channel. More are grids of positions.
    return -1 in operator.weights and array is not None and sum(length > 1 for length in array.shape) == 1


def _sizes(graph: Graph) -> set[str]:
    """Returns the tensors that follow from the shapes of other tensors and from constants alone."""
    sizes: set[str] = set()
    for node in graph.nodes:
        given = set(filter(None, node.inputs))
        if node.operator in ("Shape", "Size") or (given & sizes and given <= sizes | graph.constants.keys()):
            sizes.update(filter(None, node.outputs))
    return sizes


def _is_constant(node: Node) -> bool:
    return node.operator == "Constant" and isinstance(node.attributes.get("value"), np.ndarray)


def _named(graph: Graph, name: str) -> Tensor:
    names = [output for node in graph.nodes for output in node.outputs if output]
    if name not in names:
        raise InputError(
            f"{graph.file}: it has no tensor {name!r} to end at; expected one that a node computes, such as "
            f"{', '.join(names[-3:])}."
        )
    return graph.tensors.get(name, Tensor(name, None, np.dtype(np.float32)))
