"""Checks of the values of options, which may be traced: `optax.inject_hyperparams` makes arrays of them."""

import operator
from collections.abc import Sequence
from typing import Any

import jax
from jax.typing import ArrayLike
from jaxtyping import Array, Float

Numbers = Sequence[float] | Float[Array, " k"]


def surely(condition: ArrayLike) -> bool:
    """Whether a condition is true, and known to be: False for a traced value, which is known at run time alone."""
    return not isinstance(condition, jax.core.Tracer) and bool(condition)


def vector(values: Numbers) -> Any:
    """K numbers as a tuple of floats, or as the array that they are."""
    return values if isinstance(values, jax.Array) else tuple(float(value) for value in values)


def python_number(name: str, value: object, least: int) -> None:
    """Raises ValueError unless an argument that decides shapes is a Python number, at least `least`."""
    if isinstance(value, jax.Array):
        raise ValueError(
            f"{name} must be a Python number, got an array: with optax.inject_hyperparams list {name!r} in static_args"
        )
    try:
        whole = operator.index(value)  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(f"{name} must be a whole number, got {value!r}") from error
    if whole < least:
        raise ValueError(f"{name} must be at least {least}, got {whole}")
