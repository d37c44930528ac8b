"""The weighting of the tasks that a run has chosen, with its options."""

import functools
from typing import Any

from jaxtyping import Array, Bool
from ml_collections import ConfigDict

from bilevel_jax.bilevel import Weighting, named_weighting, next_weights
from bilevel_jax.bilevel.task_gradients import Weights
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.bilevel.weighting.weighting import check_num_tasks
from bilevel_jax.errors import InputError


def configured_weighting(config: ConfigDict) -> Weighting:
    """Returns the weighting `config.bilevel.weighting` with those of `config.bilevel.weighting_options` that are given.

    Raises:
        InputError: the weighting does not accept an option's value.
    """
    options = {name: value for name, value in config.bilevel.weighting_options.items() if value is not None}
    return _made(config.bilevel.weighting, options)


def weights_of_one_pull(config: ConfigDict, state: PyTree, present: Bool[Array, " k"]) -> Weights | None:
    """Returns what `outer_gradient` needs to pull the weighted sum of all tasks at once, or None where it cannot.

    Args:
        config: a checked configuration.
        state: of `dynamic_aggregate`.
        present: which tasks take part in the update.

    Returns:
        The weights [K] where they are known beforehand, a function that makes them of the losses [K] of the update
        where the weighting needs those, and None where it needs the Gramian or the gradients.
    """
    rule = configured_weighting(config)
    if rule.needs == "current_losses":
        return functools.partial(next_weights, state, present=present, weighting=rule)
    return next_weights(state, present=present) if rule.known_beforehand else None


def check_weighting(config: ConfigDict, num_tasks: int) -> None:
    """Raises InputError where an option's value is wrong, or the weighting does not serve `num_tasks` tasks."""
    weighting = configured_weighting(config)  # an InputError is a ValueError too: it must not be wrapped below
    try:
        check_num_tasks(weighting, num_tasks)
    except ValueError as error:
        raise InputError(
            f"config.bilevel.weighting is {config.bilevel.weighting}; expected one for {num_tasks} tasks: {error}."
        ) from error


def _made(name: str, options: dict[str, Any]) -> Weighting:
    try:
        return named_weighting(name, **options)
    except (TypeError, ValueError) as error:
        raise InputError(f"config.bilevel.weighting_options is {options}; {str(error).rstrip('.')}.") from error
