"""Gradient accumulation: the mean of several gradients, losses and absences before one update is made of them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.trees import PyTree


class Accumulated(NamedTuple):
    """What has been gathered since the last update."""

    gradient: PyTree  # float32 mean so far: combined where one pull serves all tasks, else [K, *shape]
    losses: Float[Array, " k"]  # float32, the sum over the steps at which a task was present, divided by all steps
    present: Int[Array, " k"]  # int32: at how many steps each task was present
    steps: Int[Array, ""]  # int32


def nothing_yet(params: PyTree, num_tasks: int, stacked: bool) -> Accumulated:
    """The start, for gradients shaped as `params`, with a leading task axis where they come `stacked`."""
    zeros = trees.wide_zeros(params)
    gradient = trees.stacked([zeros] * num_tasks) if stacked else zeros
    none = jnp.zeros((num_tasks,), jnp.int32)
    return Accumulated(gradient, none.astype(jnp.float32), none, jnp.zeros((), jnp.int32))


def with_one_more(
    so_far: Accumulated,
    total_steps: int,
    gradient: PyTree,
    losses: Float[Array, " k"] | None,
    present: Bool[Array, " k"] | None,
) -> Accumulated:
    """Adds one step, which counts 1 / total_steps in the mean; None for `present` says that every task was there."""
    share = 1.0 / total_steps
    return Accumulated(
        jax.tree.map(lambda a, g: a + share * g.astype(a.dtype), so_far.gradient, gradient),
        so_far.losses if losses is None else so_far.losses + share * losses,
        so_far.present + (1 if present is None else present.astype(jnp.int32)),
        so_far.steps + 1,
    )


def over_present_steps(now: Accumulated, stacked: bool) -> tuple[PyTree, Float[Array, " k"]]:
    """The gradient and the losses of all steps, those of a task as its mean over the steps at which it was present.

    A gradient that was combined at each step stays the mean of all steps: its parts cannot be told apart.
    """
    share = now.steps / jnp.maximum(now.present, 1)  # exactly 1 for a task that was always present
    gradient = now.gradient
    if stacked:
        gradient = jax.tree.map(lambda g: trees.times(g, trees.column(share, g)), gradient)
    return gradient, now.losses * share
