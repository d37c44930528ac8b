"""A bilevel problem of several tasks, as named pure functions."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.trees import PyTree

Scalar = Float[Array, ""]
Pair = tuple[Scalar, Scalar]  # (sum, normaliser)
# What a task's loss may return: a scalar (a mean over this device's batch), a pair, or a dict of named terms, each a
# scalar or a pair, whose values add up to the loss.
LossValue = Scalar | Pair | Mapping[str, Scalar | Pair]


class Task(NamedTuple):
    """One task k; its losses are pure functions that return a LossValue.

    Attributes:
      inner_loss: f_k, a function (u, inner_params of this task, batch). None for a task without an inner problem, which
        has no inner_params.
      outer_loss: F_k, a function (u, inner_params of all tasks by name, batch). Only this task's own inner_params are
        differentiated.
    """

    inner_loss: Callable[[PyTree, PyTree, PyTree], LossValue] | None
    outer_loss: Callable[[PyTree, Mapping[str, PyTree], PyTree], LossValue]


class BilevelProblem(NamedTuple):
    """A forward function that all tasks share, and the tasks by name.

    Attributes:
      forward: a function (outer_params, batch) -> u, any pytree of arrays with a leading batch axis. It must treat
        examples independently, because two batches may be sent through it side by side.
      tasks: the tasks by name, in the order of weights and gradients.
    """

    forward: Callable[[PyTree, PyTree], PyTree]
    tasks: Mapping[str, Task]


def reduce_loss(value: LossValue, axis_name: str | None = None) -> tuple[Scalar, dict[str, Scalar]]:
    """Turns a LossValue into (scalar, terms), whose mean over `axis_name` is the loss of the global batch.

    A pair becomes sum / normaliser, or the sum itself where the normaliser is 0 (a batch without labels). Over a mapped
    axis the normaliser is that of all devices, so that a mean is that of the global batch and not a mean of means.
    Normalisers are constants to differentiation. `terms` holds the values of the named terms, {} where there are none.
    """
    if isinstance(value, Mapping):
        terms = {name: reduce_loss(term, axis_name)[0] for name, term in value.items()}
        return trees.sum_of(terms.values()), terms
    if isinstance(value, tuple):
        numerator, normaliser = value
        normaliser = trees.mean(jax.lax.stop_gradient(jnp.asarray(normaliser, numerator.dtype)), axis_name)
        one = 1.0 if axis_name is None else 1.0 / jax.lax.axis_size(axis_name)
        return numerator / jnp.where(normaliser > 0, normaliser, one), {}
    return value, {}
