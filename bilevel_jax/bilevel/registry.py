"""A registry of methods: which functions belong to it, what options each of them has, and how a name is looked up."""

import difflib
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

from bilevel_jax.bilevel import docstrings

T = TypeVar("T")

Options = Mapping[str, Any]  # values of options by name; the signature of the method says of which type each one is
REQUIRED: Any = inspect.Parameter.empty
# Arguments that come from the problem. An option is what the user of a method chooses.
NOT_OPTIONS = ("outer_loss", "inner_loss", "has_aux", "axis_name", "sharded_outer")
PLAIN = (bool, int, float, str, type(None))


class Option(NamedTuple):
    """One option of a method: a keyword argument of its function, and the text of the docstring's Args section."""

    default: Any  # REQUIRED where there is none
    type: Any  # the annotation
    help: str

    @property
    def required(self) -> bool:
        """Whether the option has no default."""
        return self.default is REQUIRED

    @property
    def choices(self) -> tuple[object, ...] | None:
        """The allowed values, where the type is a Literal."""
        return typing.get_args(self.type) if typing.get_origin(self.type) is Literal else None

    @property
    def numeric(self) -> bool:
        """Whether a value is a real number or a sequence of them, so that a schedule may change it."""
        return any(part in (float, Sequence[float]) for part in _alternatives(self.type))

    @property
    def plain(self) -> bool:
        """Whether a value can be written in a configuration: numbers, texts, None, and sequences of them."""
        return all(_is_plain(part) for part in _alternatives(self.type))


def options_of(factory: Callable[..., object]) -> dict[str, Option]:
    """The options of a weighting or an estimator by name, in the order of its signature."""
    described = docstrings.arguments(factory)
    return {
        name: Option(parameter.default, parameter.annotation, described.get(name, ""))
        for name, parameter in inspect.signature(factory).parameters.items()
        if name not in NOT_OPTIONS
    }


def registered(namespace: Mapping[str, object]) -> dict[str, Any]:
    """The methods among the names of a module: the functions that carry `traits`, in alphabetical order."""
    found = {name: value for name, value in namespace.items() if hasattr(value, "traits")}
    return dict(sorted(found.items()))


def look_up(kind: str, table: Mapping[str, T], name: str) -> T:
    """Returns `table[name]`; raises ValueError naming the nearest valid name where there is none."""
    if name in table:
        return table[name]
    nearest = difflib.get_close_matches(str(name), table, n=1, cutoff=0.0)
    raise ValueError(f"unknown {kind} {name!r}: did you mean {nearest[0]!r}? (one of {', '.join(sorted(table))})")


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        return typing.get_args(annotation)
    return (annotation,)


def _is_plain(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return True
    if origin in (Sequence, list, tuple):
        return all(part in (*PLAIN, Ellipsis) for part in typing.get_args(annotation))
    return annotation in PLAIN
