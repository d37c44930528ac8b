"""Outer variables that stand for the numbers in the state of `optax.inject_hyperparams`, such as the learning rate."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from bilevel_jax.bilevel.trees import PyTree

RATE = "learning_rate"  # what an outer variable that is one array stands for


def holds_numbers(state: PyTree) -> bool:
    """Whether a state, or a part of it, is that of `optax.inject_hyperparams`."""
    return bool(_parts(state))


def injected(outer_params: PyTree, state: PyTree, read: Collection[str]) -> dict[str, Array]:
    """The parts of the outer variable that stand for injected numbers, by the number's name.

    A dictionary's entry stands for the number of its name, one array for the learning rate. What the losses or the
    start read stands for nothing else.

    Args:
      outer_params: the outer variable.
      state: the inner optimizer's.
      read: the entries of the outer variable that the losses or the start read ("learning_rate" for one array).

    Raises:
      ValueError: several transforms have a number of that name, or its shape is another one.
    """
    found = {}
    for name, value in entries(outer_params).items():
        places = [part for part in _parts(state) if name in _free(part)]
        if name in read or not places:
            continue
        if len(places) > 1:
            raise ValueError(
                f"{len(places)} injected transforms of inner_optimizer have a {name!r}: pass inner_optimizer as a "
                "function of the outer variable"
            )
        if isinstance(value, Mapping | list | tuple) or jnp.shape(value) != jnp.shape(places[0].hyperparams[name]):
            raise ValueError(
                f"the outer variable for the injected {name!r} must be an array of shape "
                f"{jnp.shape(places[0].hyperparams[name])}"
            )
        found[name] = value
    return found


def entries(outer_params: PyTree) -> dict[str, PyTree]:
    """The entries of an outer variable by the names that injected numbers may have; {} where it has no such names."""
    if isinstance(outer_params, Mapping):
        return {name: value for name, value in outer_params.items() if isinstance(name, str)}
    return {RATE: outer_params} if jax.tree_util.all_leaves([outer_params]) else {}


def with_numbers(state: PyTree, numbers: Mapping[str, Array]) -> PyTree:
    """The state with these numbers in the place of the injected ones, in the type that the state has."""

    def replaced(part):
        if not _is_injected(part):
            return part
        own = {name: numbers[name] for name in _free(part) if name in numbers}
        return _with(part, own)

    return jax.tree.map(replaced, state, is_leaf=_is_injected) if numbers else state


def with_numbers_of(state: PyTree, fresh: PyTree) -> PyTree:
    """The state with the injected numbers of a fresh state of the same optimizer."""

    def replaced(part, new):
        return _with(part, {name: new.hyperparams[name] for name in _free(part)}) if _is_injected(part) else part

    return jax.tree.map(replaced, state, fresh, is_leaf=_is_injected) if holds_numbers(state) else state


def _with(part: Any, numbers: Mapping[str, Any]) -> Any:
    cast: Callable[[Any, Any], Array] = lambda new, old: jnp.asarray(new, jnp.result_type(old))  # noqa: E731
    return part._replace(
        hyperparams={name: cast(numbers.get(name, old), old) for name, old in part.hyperparams.items()}
    )


def _parts(state: PyTree) -> list[Any]:
    return [part for part in jax.tree.leaves(state, is_leaf=_is_injected) if _is_injected(part)]


def _is_injected(part: Any) -> bool:
    return isinstance(getattr(part, "hyperparams", None), dict) and hasattr(part, "inner_state")


def _free(part: Any) -> list[str]:
    """The numbers that no schedule sets anew at each step."""
    return [name for name in part.hyperparams if name not in getattr(part, "hyperparams_states", {})]
