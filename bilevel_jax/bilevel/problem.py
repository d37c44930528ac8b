"""A bilevel problem of several tasks, as named pure functions."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel import trees

PyTree = Any
# What a task's loss may return: a scalar (a mean over this device's batch), a pair (sum, normaliser), or a dict of
# named terms, each a scalar or a pair, whose values add up to the loss.
LossValue = jax.Array | tuple[jax.Array, jax.Array] | Mapping[str, Any]


class Task(NamedTuple):
    """One task k; its losses are pure functions that return a LossValue.

    `inner_loss` f_k: (u, inner_params of this task, batch); None for a task without an inner problem, which has no
    inner_params. `outer_loss` F_k: (u, inner_params of all tasks by name, batch), of which only this task's own are
    differentiated.
    """

    inner_loss: Callable[[PyTree, PyTree, PyTree], LossValue] | None
    outer_loss: Callable[[PyTree, Mapping[str, PyTree], PyTree], LossValue]


class BilevelProblem(NamedTuple):
    """A forward function that all tasks share, and the tasks by name.

    `forward`: (outer_params, batch) -> u, any pytree of arrays with a leading batch axis; it treats examples
    independently, since two batches may be sent through it side by side.
    """

    forward: Callable[[PyTree, PyTree], PyTree]
    tasks: Mapping[str, Task]


def reduce_loss(value: LossValue, axis_name: str | None = None) -> tuple[jax.Array, dict[str, jax.Array]]:
    """A LossValue as (scalar, terms), whose mean over `axis_name` is the loss of the global batch.

    Pairs become sum / normaliser, and the sum itself where the normaliser is 0 (a batch without labels); over a mapped
    axis the normaliser is that of all devices, so means are those of the global batch and not means of means.
    Normalisers are constants to differentiation. `terms` are the values of the named terms, {} where there are none.
    """
    if isinstance(value, Mapping):
        terms = {name: reduce_loss(term, axis_name)[0] for name, term in value.items()}
        return sum(terms.values()), terms
    if isinstance(value, tuple):
        numerator, normaliser = value
        normaliser = trees.mean(jax.lax.stop_gradient(jnp.asarray(normaliser, numerator.dtype)), axis_name)
        one = 1.0 if axis_name is None else 1.0 / jax.lax.axis_size(axis_name)
        return numerator / jnp.where(normaliser > 0, normaliser, one), {}
    return value, {}
