"""What `optax.inject_hyperparams(dynamic_aggregate)` may inject: the numeric options of the weightings."""

import inspect
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

import jax
import numpy as np

from bilevel_jax.bilevel.registry import options_of

P = ParamSpec("P")
R = TypeVar("R")

# The value of an option in the signature where it was not given: the weighting has the default.
NOT_GIVEN = ...


def shows_options(methods: Mapping[str, Callable[..., object]]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorates a function of **options, so that its signature names the numeric options of all methods.

    optax.inject_hyperparams injects what the signature names, and nothing of **options. Options that are whole numbers
    decide shapes, so they are left out.
    """
    names = {name: None for make in methods.values() for name, option in options_of(make).items() if option.numeric}

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        *own, rest = signature.parameters.values()
        shown = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=NOT_GIVEN) for name in sorted(names)]
        function.__signature__ = signature.replace(parameters=[*own, *shown, rest])  # type: ignore[attr-defined]
        return function

    return decorate


def given_options(options: Mapping[str, object]) -> dict[str, object]:
    """The options that were given, where optax.inject_hyperparams may have called with those of the signature.

    Raises:
      ValueError: a number, or a schedule, is an option that the signature does not name, so it would stay constant.
    """
    rest = options.get("options")
    if not isinstance(rest, Mapping):
        return {name: value for name, value in options.items() if value is not NOT_GIVEN}
    for name, value in rest.items():
        if isinstance(value, float | np.ndarray | jax.Array):
            raise ValueError(
                f"optax.inject_hyperparams(dynamic_aggregate) cannot inject the option {name!r}: write "
                f"optax.inject_hyperparams(lambda {name}: dynamic_aggregate(..., {name}={name}))({name}=...)"
            )
    named = {name: value for name, value in options.items() if name != "options" and value is not NOT_GIVEN}
    return {**named, **rest}
