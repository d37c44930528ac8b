"""The state of `dynamic_aggregate`, and what can be read from it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from bilevel_jax.bilevel.accumulation import Accumulated
from bilevel_jax.bilevel.gramian import conflicts, cosines
from bilevel_jax.bilevel.present_tasks import present_mask, renormalised
from bilevel_jax.bilevel.trees import PyTree


class AggregateState(NamedTuple):
    """The state of `dynamic_aggregate`: arrays only, so a restored checkpoint continues the same random stream."""

    # The updates made, int32. (Checkpoints know it by this name, which hides tuple.count.)
    count: Int[Array, ""]  # type: ignore[assignment]
    weights: Float[Array, " k"]  # float32, those of the last update; zeros before the first and for needs="gradients"
    next_weights: Float[Array, " k"]  # float32, those of the coming update where they are known, else zeros
    cosines: Float[Array, "k k"]  # float32, between the task gradients of the last update; see `diagnostics`
    conflicts: Int[Array, ""]  # int32, the number of pairs of tasks with a negative cosine
    weighting: PyTree  # the weighting's own state, its key included
    accumulated: Accumulated | tuple[()]  # () without accumulation


def find_state(state: PyTree) -> AggregateState:
    """The AggregateState inside the state of a chain; raises ValueError unless there is exactly one.

    A checkpoint that was restored without a target holds a dict in its place, which serves as well.
    """
    nodes = jax.tree.leaves(state, is_leaf=_is_state)
    found = [node for node in nodes if _is_state(node)]
    if len(found) != 1:
        raise ValueError(f"expected the state of one dynamic_aggregate, found {len(found)}")
    if isinstance(found[0], AggregateState):
        return found[0]
    parts: dict[str, Any] = {name: jnp.asarray(found[0][name]) for name in AggregateState._fields[:5]}
    for name in AggregateState._fields[5:]:
        part = found[0].get(name)
        parts[name] = () if part is None else part
    return AggregateState(**parts)


def _is_state(node: PyTree) -> bool:
    if isinstance(node, Mapping):
        return set(AggregateState._fields[:5]) <= set(node)
    return isinstance(node, AggregateState)


def next_weights(
    state: PyTree, losses: Float[Array, " k"] | None = None, present: Bool[Array, " k"] | None = None
) -> Float[Array, " k"]:
    """The float32 weights that the coming update will use, from the state of `dynamic_aggregate` or its chain.

    Args:
      state: in which the weights are already fixed: they are drawn when the update before is made.
      losses: ignored. A weighting that needs losses sees those of past updates; the argument is there for the symmetry
        with `update`.
      present: must be what the coming update will be given.

    Returns:
      The weights [K]; zeros for a weighting whose weights are not known beforehand (see `weights_known`).
    """
    del losses
    weights = find_state(state).next_weights
    return renormalised(weights, present_mask(present, weights.shape[-1]))


def with_diagnostics(state: AggregateState, matrix: Float[Array, "k k"] | None) -> AggregateState:
    """The state with the cosines and conflicts of a Gramian; unchanged where there is no Gramian."""
    if matrix is None:
        return state
    found = cosines(matrix).astype(jnp.float32)
    return state._replace(cosines=found, conflicts=conflicts(found))
