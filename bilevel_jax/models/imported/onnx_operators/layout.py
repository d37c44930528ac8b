"""Which order of axes an operator works in. A CPU's convolutions are fastest with the channels last."""

import enum
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from bilevel_jax.models.imported.onnx_operators.node import Node, Value


class ChannelsLast(NamedTuple):
    """An array [b, *size, c] that stands for the file's tensor [b, c, *size]."""

    array: Float[Array, "b *size c"]


Held = Value | ChannelsLast | None  # what the graph holds for the name of a tensor


class Layout(enum.Enum):
    """What order of axes an operator is given, and what its results have.

    FILE: all inputs as in the file. IMAGES: the first input and all results have the channels last. ANY: it works on
    each element alone. AXIS: like ANY, and it finds its axis with `Node.axis`.
    """

    FILE = "file"
    IMAGES = "images"
    ANY = "any"
    AXIS = "axis"


class Operator(NamedTuple):
    """One operator of ONNX.

    Attributes:
        function: (node, *inputs) -> result, or a tuple of results.
        layout: see `Layout`.
        attributes: names of the attributes that the function reads. Files that set another one are refused.
        weights: positions of the inputs that hold trainable weights if they are constants; -1 stands for all inputs,
            of which only constants with values along one axis count, such as a bias.
        note: what is not covered, for the table in the documents.
    """

    function: Callable[..., Value | tuple[Value, ...]]
    layout: Layout = Layout.FILE
    attributes: tuple[str, ...] = ()
    weights: tuple[int, ...] = ()
    note: str = ""


def run(operator: Operator, node: Node, inputs: Sequence[Held]) -> tuple[Held, ...]:
    """Returns the results of a node. Axes are moved where the operator's layout asks for it.

    Raises:
        InputError: the node asks for a result or a setting that is not implemented.
    """
    layout = operator.layout
    if layout is Layout.FILE or (layout is not Layout.IMAGES and not _may_stay(inputs)):
        results = _called(operator, node, [in_file_order(value) for value in inputs])
        return tuple(results)
    if layout is Layout.IMAGES:
        given = [None if value is None else in_file_order(value) for value in inputs[1:]]
        results = _called(operator, node._replace(channels_last=True), [channels_last(inputs[0]), *given])
    else:
        rank = max(value.array.ndim for value in inputs if isinstance(value, ChannelsLast))
        # Operators that find their axis also take lists of numbers, which have no axes to move.
        given = [_moved(value, rank, layout is Layout.ANY) for value in inputs]
        results = _called(operator, node._replace(channels_last=True), given)
    return tuple(ChannelsLast(jnp.asarray(result)) for result in results)


def in_file_order(value: Held) -> Value | None:
    """Returns a tensor in the file's order of axes; None stays None."""
    return jnp.moveaxis(value.array, -1, 1) if isinstance(value, ChannelsLast) else value


def channels_last(value: Held) -> Value | None:
    """Returns a tensor of the file with its second axis moved to the end; None stays None."""
    if isinstance(value, ChannelsLast):
        return value.array
    return value if value is None else jnp.moveaxis(jnp.asarray(value), 1, -1)


def array_module(*values: Value | None):  # type: ignore[no-untyped-def]  # numpy and jax.numpy have no common type
    """Returns numpy where all values are known while the graph is traced, and jax.numpy otherwise."""
    return np if all(value is None or isinstance(value, np.ndarray) for value in values) else jnp


def _may_stay(inputs: Sequence[Held]) -> bool:
    """Whether an input has the channels last and the others can be brought to that order."""
    ranks = {value.array.ndim for value in inputs if isinstance(value, ChannelsLast)}
    return len(ranks) == 1 and all(
        value is None or np.ndim(getattr(value, "array", value)) <= max(ranks) for value in inputs
    )


def _moved(value: Held, rank: int, fill: bool) -> Value | None:
    """Returns an operand with the channels last; a shorter one is filled up with axes of length 1, or left alone."""
    if value is None or isinstance(value, ChannelsLast):
        return channels_last(value)
    if value.ndim == 0 or (value.ndim < rank and not fill):
        return value
    return array_module(value).moveaxis(value.reshape((1,) * (rank - value.ndim) + value.shape), 1, -1)


def _called(operator: Operator, node: Node, inputs: Sequence[Value | None]) -> tuple[Value, ...]:
    results = operator.function(node, *inputs)
    results = results if isinstance(results, tuple) else (results,)
    asked = [position for position, name in enumerate(node.outputs) if name]
    if asked and asked[-1] >= len(results):
        raise node.refused(f"an output number {asked[-1] + 1}", f"outputs after number {len(results)} must be unused")
    # Numpy turns arrays without axes into scalars, which are values too.
    return tuple(result if isinstance(result, jax.Array) else np.asarray(result) for result in results)
