"""What every weighting of task gradients is."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

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
