"""The state of `dynamic_aggregate`, and what can be read from it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from bilevel_jax.bilevel.accumulation import Accumulated
from bilevel_jax.bilevel.gramian import conflicts, cosines
from bilevel_jax.bilevel.present_tasks import present_mask, renormalised, weigh_losses
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.bilevel.update_checks import vector_of_tasks
from bilevel_jax.bilevel.weighting import Weighting, WeightingFactory, named_weighting


class AggregateState(NamedTuple):
    """The state of `dynamic_aggregate`: arrays only, so a restored checkpoint continues the same random stream."""

    # The updates made, int32. (Checkpoints know it by this name, which hides tuple.count.)
    count: Int[Array, ""]  # type: ignore[assignment]
    weights: Float[Array, " k"]  # float32, those of the last update; zeros before the first and for needs="gradients"
    # float32, those of the coming update where they are known, else zeros; () where they follow from its losses
    next_weights: Float[Array, " k"] | tuple[()]
    cosines: Float[Array, "k k"]  # float32, between the task gradients of the last update; see `diagnostics`
    conflicts: Int[Array, ""]  # int32, the number of pairs of tasks with a negative cosine
    weighting: PyTree  # the weighting's own state, its key included
    accumulated: Accumulated | tuple[()]  # () without accumulation


_MAY_BE_EMPTY = ("next_weights", "weighting", "accumulated")


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
    raw, parts = found[0], dict[str, Any]()
    for name in AggregateState._fields:
        part = raw.get(name)
        empty = part is None or (name in _MAY_BE_EMPTY and isinstance(part, tuple | list) and not part)
        parts[name] = () if empty else part if name in ("weighting", "accumulated") else jnp.asarray(part)
    return AggregateState(**parts)


def _is_state(node: PyTree) -> bool:
    if isinstance(node, Mapping):
        return set(AggregateState._fields) - set(_MAY_BE_EMPTY) <= set(node)
    return isinstance(node, AggregateState)


def next_weights(
    state: PyTree,
    losses: Float[Array, " k"] | None = None,
    present: Bool[Array, " k"] | None = None,
    *,
    weighting: str | Weighting | WeightingFactory[...] | None = None,
    **options: object,
) -> Float[Array, " k"]:
    """The float32 weights that the coming update will use, from the state of `dynamic_aggregate` or its chain.

    For most weightings they are in the state already: they are fixed when the update before is made. Those that need
    "current_losses" make them of the losses of the coming update:

        weights = lambda losses: next_weights(state, losses, weighting="uw")
        losses, gradient = combined_gradient(losses_fn, params, weights)

    Args:
      state: the transform's.
      losses: those of the coming update [K], averaged over devices as `combined_gradient` gives them. Looked at where
        the weighting needs "current_losses".
      present: must be what the coming update will be given.
      weighting, **options: what `dynamic_aggregate` was given. Required where the weighting needs "current_losses".

    Returns:
      The weights [K]; zeros for a weighting that needs the Gramian or the gradients.

    Raises:
      ValueError: the weights follow from current losses, and the losses or the weighting were not given; or the state
        is that of another weighting.
    """
    found = find_state(state)
    rule = None if weighting is None else named_weighting(weighting, **options)
    known = found.next_weights
    if rule is not None and isinstance(known, tuple) != (rule.needs == "current_losses"):
        raise ValueError(f"the state is not that of the weighting {weighting!r}: pass the one of dynamic_aggregate")
    num_tasks = found.weights.shape[-1]
    mask = present_mask(present, num_tasks)
    if not isinstance(known, tuple):
        return renormalised(known, mask)
    if rule is None or losses is None:
        raise ValueError(
            "the weights of this weighting follow from the losses of the update itself: pass "
            "next_weights(state, losses, weighting=...) with the weighting of dynamic_aggregate"
        )
    expected = jax.eval_shape(lambda: rule.init(num_tasks, jax.random.PRNGKey(0)))
    if jax.tree.map(jnp.shape, expected) != jax.tree.map(jnp.shape, found.weighting):
        raise ValueError(f"the state is not that of the weighting {weighting!r}: pass the one of dynamic_aggregate")
    return coming_weights(rule, found, vector_of_tasks("losses", losses, num_tasks), mask)


def coming_weights(
    rule: Weighting, state: AggregateState, losses: Float[Array, " k"] | None, present: Bool[Array, " k"] | None
) -> Float[Array, " k"]:
    """The weights of the coming update for a rule whose weights follow from the state and the losses."""
    if not isinstance(state.next_weights, tuple):
        return renormalised(state.next_weights, present)
    assert losses is not None, "a weighting that needs the current losses got none"
    return weigh_losses(rule, losses, state.weighting, present)[0].astype(jnp.float32)


def with_diagnostics(state: AggregateState, matrix: Float[Array, "k k"] | None) -> AggregateState:
    """The state with the cosines and conflicts of a Gramian; unchanged where there is no Gramian."""
    if matrix is None:
        return state
    found = cosines(matrix).astype(jnp.float32)
    return state._replace(cosines=found, conflicts=conflicts(found))
