"""Where a detector's heads end in an ONNX graph: before the reshapes that bake in the size of its input."""

from pathlib import Path
from typing import NamedTuple

from bilevel_jax.errors import InputError
from bilevel_jax.models.imported.onnx_file import Graph, read_graph
from bilevel_jax.models.imported.onnx_operators.node import Node

RESHAPING = ("Reshape", "Flatten")


class Head(NamedTuple):
    """The output of a detector at one stride.

    Attributes:
        tensor: name of the last tensor [b, c, h, w] before the first reshape.
        logits: names of the tensors that it is concatenated from along the channels, each before its Sigmoid.
    """

    tensor: str
    logits: tuple[str, ...]


def find_heads(path: str | Path) -> tuple[Head, ...]:
    """Returns where to end a detector so that it takes inputs of any size, in the order of the file.

    Pass the names to `read_onnx(path, outputs=...)`. For YOLOX each of three heads has the logits boxes, objectness and
    classes.

    Raises:
        InputError: the file cannot be read, or no reshape stands between its convolutions and its outputs.
    """
    graph = read_graph(Path(path))
    makers = {output: node for node in graph.nodes for output in node.outputs if output}
    ends = _before_reshapes(graph, makers)
    if not ends:
        raise InputError(
            f"{path}: no Reshape or Flatten of a tensor [b, c, h, w] leads to its outputs, so its heads are unknown; "
            "name the tensors to end at yourself."
        )
    return tuple(Head(name, _logits(name, makers)) for name in ends)


def _before_reshapes(graph: Graph, makers: dict[str, Node]) -> list[str]:
    """The tensors of four axes that go into the last reshapes before the outputs."""
    waiting, seen, ends = [tensor.name for tensor in graph.outputs], set(), set()
    while waiting:
        name = waiting.pop()
        node = makers.get(name)
        if node is None or name in seen:
            continue
        seen.add(name)
        source = graph.tensors.get(node.inputs[0]) if node.inputs else None
        if node.operator in RESHAPING and source is not None and source.shape is not None and len(source.shape) == 4:
            ends.add(source.name)
        else:
            waiting += [given for given in node.inputs if given]
    return [output for node in graph.nodes for output in node.outputs if output in ends]


def _logits(name: str, makers: dict[str, Node]) -> tuple[str, ...]:
    node = makers[name]
    parts = node.inputs if node.operator == "Concat" and node.integer("axis", 1) in (1, -3) else (name,)
    return tuple(makers[part].inputs[0] if makers[part].operator == "Sigmoid" else part for part in parts)
