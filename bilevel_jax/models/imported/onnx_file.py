"""Reads an ONNX file into plain data: nodes, constants, inputs and outputs. Only this module needs the package onnx."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bilevel_jax.errors import InputError, first_few
from bilevel_jax.models.imported.onnx_operators.node import Attribute, Node

STANDARD_DOMAINS = ("", "ai.onnx")


class Tensor(NamedTuple):
    """What goes into a network or comes out.

    Attributes:
        name: its name in the file.
        shape: lengths in the file's order of axes; None = a free axis. None as a whole = the file does not say.
        dtype: type of its elements. float64 and float16 of a file are computed as float32.
    """

    name: str
    shape: tuple[int | None, ...] | None
    dtype: np.dtype


class Graph(NamedTuple):
    """A graph whose nodes are in the order in which they can be computed.

    Attributes:
        file: the file's name, for messages.
        nodes: all nodes.
        constants: name -> array of the tensors that the file stores; floating point as float32.
        inputs: what the network is given.
        outputs: what it returns.
        tensors: all tensors of which the file or shape inference knows the type, by name.
    """

    file: str
    nodes: tuple[Node, ...]
    constants: Mapping[str, np.ndarray]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    tensors: Mapping[str, Tensor]


def read_graph(path: Path) -> Graph:
    """Reads a file.

    Raises:
        InputError: the package onnx is missing, there is no such file, it is no ONNX, it is cut off, or the file with
            its weights is missing.
    """
    if importlib.util.find_spec("onnx") is None:
        raise InputError(f"{path}: reading ONNX needs the package onnx: pip install 'bilevel-jax[judge]'.")
    model = _loaded(path)
    graph, file = model.graph, str(path)
    versions = {entry.domain: entry.version for entry in model.opset_import}
    version = next((versions[domain] for domain in STANDARD_DOMAINS if domain in versions), 1)
    try:
        constants = {stored.name: _array(stored) for stored in graph.initializer}
        nodes = tuple(_node(node, version, file) for node in graph.node)
        inputs = tuple(_tensor(entry) for entry in graph.input if entry.name not in constants)
        outputs = tuple(_tensor(entry) for entry in graph.output)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: the file is damaged ({_one_line(error)}); copy or export it again.") from None
    if not nodes or not outputs:
        raise InputError(f"{path}: the file holds no graph; expected a whole ONNX file: copy or export it again.")
    known = {*constants, *(tensor.name for tensor in inputs), ""}
    for node in nodes:
        missing = [name for name in node.inputs if name not in known]
        if missing:
            raise InputError(
                f"{path}: the node {node.name!r} reads {missing[0]!r}, which nothing before it computes; the file is "
                "cut off or damaged: copy or export it again."
            )
        known.update(node.outputs)
    return Graph(file, nodes, constants, inputs, outputs, _inferred(model))


def _loaded(path: Path) -> Any:
    """The parsed file with its external data."""
    import onnx
    from google.protobuf.message import DecodeError
    from onnx.external_data_helper import load_external_data_for_model, uses_external_data

    try:
        model = onnx.load_model(str(path), load_external_data=False)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; expected an ONNX file.") from None
    except OSError as error:
        raise InputError(f"{path}: the file cannot be read ({_one_line(error)}); expected an ONNX file.") from None
    except (DecodeError, ValueError):
        raise InputError(f"{path}: this is no ONNX file, or it is cut off; copy or export it again.") from None
    places = {
        entry.value
        for stored in model.graph.initializer
        if uses_external_data(stored)
        for entry in stored.external_data
        if entry.key == "location"
    }
    missing = sorted(place for place in places if not (path.parent / place).is_file())
    if missing:
        raise InputError(
            f"{path}: its weights lie in {first_few(missing)}, which is not beside it; copy that file into "
            f"{path.parent} too."
        )
    if places:
        try:
            load_external_data_for_model(model, str(path.parent))
        except Exception as error:  # onnx raises its own C++ exceptions here, which have no common base
            raise InputError(
                f"{path}: the weights in {first_few(sorted(places))} cannot be read ({_one_line(error)}); copy both "
                "files again."
            ) from None
    return model


def _inferred(model: Any) -> dict[str, Tensor]:
    """The tensors whose types onnx can infer; without those of the constants."""
    import onnx

    try:
        graph = onnx.shape_inference.infer_shapes(model).graph
    except Exception:  # shape inference only adds what a reader likes to know; an unusual file may do without
        graph = model.graph
    entries = [*graph.value_info, *graph.input, *graph.output]
    return {entry.name: _tensor(entry) for entry in entries if entry.type.HasField("tensor_type")}


def _tensor(entry: Any) -> Tensor:
    import onnx

    kind = entry.type.tensor_type
    shape = None
    if kind.HasField("shape"):
        shape = tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in kind.shape.dim)
    # Shape inference leaves some types open: 0.
    return Tensor(entry.name, shape, np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type or 1)))


def _array(stored: Any) -> np.ndarray:
    from onnx import numpy_helper

    array = np.asarray(numpy_helper.to_array(stored))
    # bfloat16 comes as a type of ml_dtypes, which numpy does not count as floating point.
    floating = array.dtype.kind == "f" or "float" in array.dtype.name
    return array.astype(np.float32) if floating else np.array(array)


def _node(node: Any, version: int, file: str) -> Node:
    outputs = tuple(node.output)
    standard = node.domain in STANDARD_DOMAINS
    return Node(
        operator=node.op_type if standard else f"{node.domain}.{node.op_type}",
        name=node.name or next(filter(None, outputs), ""),
        inputs=tuple(node.input),
        outputs=outputs,
        attributes={attribute.name: _attribute(attribute) for attribute in node.attribute},
        version=version,
        file=file,
    )


def _attribute(attribute: Any) -> Attribute:
    import onnx

    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return _array(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, int | float):
        return value
    if isinstance(value, Sequence):
        return tuple(item.decode() if isinstance(item, bytes) else item for item in value)
    return str(attribute.name)  # a graph or another thing that no operator here reads


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")[:200]
