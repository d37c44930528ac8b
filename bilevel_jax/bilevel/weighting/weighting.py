"""What every weighting of task gradients is."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp

Needs = Literal["nothing", "losses", "gramian", "gradients"]


class Weighting(NamedTuple):
    """A rule that turns K task gradients into one update.

    `needs` says what `weigh` is given: None, the losses [K] of the update being made (the weights then hold for the
    NEXT one), the Gramian [K, K] of the gradients, or the gradients themselves, stacked on a leading axis.
    `weigh` returns float32 weights [K], or, for "gradients", the combined update; and its next state.
    """

    needs: Needs
    init: Callable[[int, Any], Any]  # (num_tasks, key) -> state
    weigh: Callable[[Any, Any], tuple[Any, Any]]  # (what it needs, state) -> (weights or update, state)
    init_with_params: Callable[[int, Any, Any], Any] | None = None
    # ^ (num_tasks, key, params) -> state, in place of init where the state has the shape of the gradients
    weigh_present: Callable[[Any, Any, Any], tuple[Any, Any]] | None = None
    # ^ (gradients, state, present [K]) -> (update, state), for "gradients"; None: `weigh` gets zeros for absent tasks


def without_state(needs: Needs, weights: Callable[[Any], Any]) -> Weighting:
    """A Weighting that keeps nothing, from a function of what it needs."""
    return Weighting(needs, lambda num_tasks, key: (), lambda given, state: (weights(given), state))


def with_preference(needs: Needs, weights: Callable[[Any, Any], Any], preference: Any | None) -> Weighting:
    """A Weighting from a function of (what it needs [K, ...], preference [K]); None prefers all tasks alike, 1/K."""
    if preference is None:

        def alike(given):
            return weights(given, jnp.full((given.shape[0],), 1.0 / given.shape[0], given.dtype))

        return without_state(needs, alike)
    preference = tuple(float(value) for value in preference)
    if any(value < 0 for value in preference):
        raise ValueError(f"a preference must not be negative, got {preference}")

    def init(num_tasks, key):
        del key
        if len(preference) != num_tasks:
            raise ValueError(f"{len(preference)} values of preference for {num_tasks} tasks")
        return jnp.asarray(preference, jnp.float32)

    return Weighting(needs, init, lambda given, state: (weights(given, state), state))
