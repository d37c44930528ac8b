"""Trains a fusion rule on a row's hypergradients, whatever the inner problem."""

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from bilevel_jax.evaluation.bilevel_study.row_gradient import Memory, Point

CLIP = 1.0  # longest hypergradient, and longest gradient of a network that takes T steps
BATCH = 125  # outer scenes of one step

Scenes = TypeVar("Scenes", bound=tuple[Array, ...])  # a named tuple of arrays, one scene on each place of axis 0


def scenes_from(start: Array | int, scenes: Scenes, batch: int) -> Scenes:
    """`batch` scenes from a place on."""
    return type(scenes)(*(jax.lax.dynamic_slice_in_dim(a, start, batch) for a in scenes))


def descend_rule(
    point_at: Callable[[Float[Array, " k"], Memory, Array, Scenes], Point],
    w: Float[Array, " k"],
    memory: Memory,
    rate: Float[Array, ""],
    key: Array,
    outer: Scenes,
    *,
    outer_steps: int,
    batch: int,
) -> tuple[Float[Array, "s k"], Memory]:
    """Trains a fusion rule with Adam on hypergradients, each at most `CLIP` long.

    Args:
        point_at: a function (rule, memory, key, outer scenes of one step) -> the hypergradient there.
        w: where the rule starts.
        memory: what the first step begins with.
        rate: Adam's step size.
        key: of what `point_at` draws.
        outer: all outer scenes; the steps go through them in their order, again and again.
        outer_steps: number of outer steps.
        batch: outer scenes of one step.

    Returns:
        The rule after each outer step, and what the step left to the next, stacked over the steps.
    """
    optimizer = optax.chain(optax.clip_by_global_norm(CLIP), optax.scale_by_adam())

    def step(carry, given):
        w, memory, state = carry
        start, key = given
        point = point_at(w, memory, key, scenes_from(start, outer, batch))
        updates, state = optimizer.update(point.gradient, state, w)
        w = w - rate * updates
        return (w, point.memory, state), (w, point.memory)

    starts = (jnp.arange(outer_steps) % (len(outer[0]) // batch)) * batch
    carry = w, memory, optimizer.init(w)
    return jax.lax.scan(step, carry, (starts, jax.random.split(key, outer_steps)))[1]
