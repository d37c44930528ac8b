"""One node of an ONNX graph, as an operator reads it: attributes, inputs that must be known, and refusals."""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import jax
import numpy as np

from bilevel_jax.errors import InputError

# A numpy array is known while the graph is traced: a constant, or what follows from shapes. The rest are JAX arrays.
Value: TypeAlias = np.ndarray | jax.Array
Attribute: TypeAlias = float | int | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...] | np.ndarray


class Node(NamedTuple):
    """A node of the graph.

    Attributes:
        operator: its ONNX name, such as "Conv".
        name: the node's own name, or its first output where the file gives none.
        inputs: names of tensors; "" = an optional input that is left out.
        outputs: names of tensors; "" = an output that nobody reads.
        attributes: those that the file sets.
        version: the version of the operator set.
        file: the file's name, for messages.
        channels_last: whether the operator is given [b, *size, c] for what the file means as [b, c, *size].
    """

    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    version: int
    file: str
    channels_last: bool = False

    def integer(self, name: str, default: int) -> int:
        """Returns an attribute that is a whole number."""
        value = self.attributes.get(name, default)
        return value if isinstance(value, int) else default

    def number(self, name: str, default: float) -> float:
        """Returns an attribute that is a number."""
        value = self.attributes.get(name, default)
        return float(value) if isinstance(value, int | float) else default

    def text(self, name: str, default: str) -> str:
        """Returns an attribute that is a text."""
        return str(self.attributes.get(name, default))

    def integers(self, name: str) -> tuple[int, ...] | None:
        """Returns an attribute that is a list of whole numbers, or None where the file does not set it."""
        value = self.attributes.get(name)
        return tuple(int(item) for item in value) if isinstance(value, tuple) else None

    def chosen(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """Returns a text attribute that must be one of `choices`. Raises InputError otherwise."""
        value = self.text(name, default)
        if value not in choices:
            raise self.refused(f"{name}={value!r}", f"{name} must be {' or '.join(map(repr, choices))}")
        return value

    def integers_of(self, attribute: str, value: Value | None) -> tuple[int, ...] | None:
        """Returns whole numbers that older files give as an attribute and newer ones as an input; None = in neither.

        Raises:
            InputError: the input depends on the network's input values.
        """
        if value is None:
            return self.integers(attribute)
        return tuple(int(item) for item in self.known(value, attribute).reshape(-1))

    def known(self, value: Value, what: str) -> np.ndarray:
        """Returns an input whose values must be known while the graph is traced.

        Raises:
            InputError: it depends on the network's input values.
        """
        if not isinstance(value, np.ndarray):
            raise self.refused(
                f"{what!r} computed from pixel values", f"{what!r} must follow from shapes and constants"
            )
        return value

    def axis(self, axis: int, rank: int) -> int:
        """Returns the axis of the given array that the file means by `axis` of a tensor of that rank."""
        axis = axis % rank
        if not self.channels_last or axis == 0:
            return axis
        return rank - 1 if axis == 1 else axis - 1

    def refused(self, found: str, expected: str) -> InputError:
        """Returns the error for something that the file asks of this node and that is not implemented."""
        return InputError(
            f"{self.file}: the node {self.name!r} ({self.operator}) has {found}, which cannot be imported; {expected}: "
            "export the network again, or end it before this node with outputs=."
        )
