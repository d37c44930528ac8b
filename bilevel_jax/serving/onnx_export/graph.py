"""An ONNX graph that grows operator by operator."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
import onnx
from jaxtyping import Shaped
from onnx import helper, numpy_helper

from bilevel_jax.serving.onnx_export.dimensions import Dimension, emit_dimension

OPSET = 18  # the first whose reductions all take their axes as an input; every runtime of today reads it
IR_VERSION = 9


class Value(NamedTuple):
    """An array of the graph.

    Attributes:
        name: in the graph.
        shape: what JAX says; a dimension is an int or symbolic.
        dtype: of the elements.
        thin: axes along which the graph's array has one element where `shape` says more, because operators
            broadcast. All axes of a scalar that stands for an array of this shape are thin.
    """

    name: str
    shape: tuple[Dimension, ...]
    dtype: np.dtype
    thin: frozenset[int] = frozenset()


class Graph:
    """Collects the operators and constants of a model. Equal operators, and equal constants, are written once."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.symbols: dict[str, str] = {}
        self._seen: dict[Any, tuple[str, ...]] = {}
        self._scalars: set[str] = set()

    def emit(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Adds an operator and returns the name of its first output."""
        return self.emit_all(operator, *inputs, outputs=outputs, **attributes)[0]

    def emit_all(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> tuple[str, ...]:
        """Adds an operator and returns the names of all its outputs."""
        key = (operator, inputs, outputs, repr(sorted(attributes.items())))
        if key not in self._seen:
            names = tuple(f"{operator.lower()}_{len(self.nodes)}_{index}" for index in range(outputs))
            self.nodes.append(helper.make_node(operator, list(inputs), list(names), **attributes))
            self._seen[key] = names
        return self._seen[key]

    def constant(self, array: Shaped[np.ndarray, "..."]) -> str:
        """Returns the name of a constant."""
        array = np.asarray(array)
        key = ("constant", array.dtype.str, array.shape, array.tobytes())
        if key not in self._seen:
            name = f"constant_{len(self.constants)}"
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name))
            self._seen[key] = (name,)
        return self._seen[key][0]

    def integers(self, values: Sequence[int]) -> str:
        """Returns the name of an int64 list."""
        return self.constant(np.array(values, np.int64).reshape(-1))

    def dimension(self, dimension: Dimension) -> str:
        """Returns the name of an int64 scalar that holds a dimension."""
        if isinstance(dimension, int | np.integer):
            return self.constant(np.asarray(dimension, np.int64))
        return emit_dimension(
            dimension, self.symbols, self.emit, lambda value: self.constant(np.asarray(value, np.int64))
        )

    def shape(self, dimensions: Sequence[Dimension]) -> str:
        """Returns the name of an int64 list that holds the dimensions."""
        if all(isinstance(one, int | np.integer) for one in dimensions):
            return self.integers([int(str(one)) for one in dimensions])
        parts = [self.emit("Reshape", self.dimension(one), self.integers([1])) for one in dimensions]
        return self.emit("Concat", *parts, axis=0) if len(parts) > 1 else parts[0]

    def symbol(self, name: str, tensor: str, axis: int) -> None:
        """Says that the dimension variable `name` is the length of an input along an axis."""
        shape = self.emit("Shape", tensor)
        self.symbols[name] = self.emit("Gather", shape, self.constant(np.asarray(axis, np.int64)), axis=0)

    def full(self, value: Value) -> str:
        """Returns the name of the array with no thin axis."""
        return self.emit("Expand", value.name, self.shape(value.shape)) if value.thin else value.name

    def is_scalar(self, value: Value) -> bool:
        """Whether the graph's array has no axes, whatever shape it stands for."""
        return not value.shape or value.name in self._scalars

    def as_scalar(self, name: str) -> None:
        """Notes that the graph's array of this name has no axes."""
        self._scalars.add(name)

    def cast(self, name: str, dtype: np.dtype) -> str:
        """Returns the array as another type."""
        return self.emit("Cast", name, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def model(
        self,
        inputs: Sequence[onnx.ValueInfoProto],
        outputs: Sequence[onnx.ValueInfoProto],
        defaults: Mapping[str, np.ndarray],
        metadata: Mapping[str, str],
        doc: str,
    ) -> onnx.ModelProto:
        """Returns the model, checked.

        Args:
            inputs, outputs: of the graph.
            defaults: inputs that a caller may leave out, with the values that they then have.
            metadata: stored in the model.
            doc: what the model does, for people.
        """
        initializers = [*self.constants, *(numpy_helper.from_array(value, name) for name, value in defaults.items())]
        graph = helper.make_graph(self.nodes, "fuser", inputs, outputs, initializers)
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, producer_name="bilevel_jax", doc_string=doc)
        model.ir_version = IR_VERSION
        helper.set_model_props(model, dict(metadata))
        onnx.checker.check_model(model)
        return model


def value_of(name: str, aval: jax.core.ShapedArray) -> Value:
    """Returns the value that an array of JAX has in the graph."""
    return Value(name, tuple(aval.shape), np.dtype(aval.dtype))
