"""dynamic_aggregate: K task gradients in, one update out, as an optax transform."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.gramian import gramian
from bilevel_jax.bilevel.weighting import Weighting, named_weighting

PyTree = Any


class AggregateState(NamedTuple):
    """The state of `dynamic_aggregate`: arrays only, so a restored checkpoint continues the same stream."""

    count: jax.Array  # int32 scalar, the updates made
    weights: jax.Array  # float32 [K], those of the last update; zeros before the first
    next_weights: jax.Array  # float32 [K], those of the coming update where they are known; zeros where they are not
    weighting: PyTree  # the weighting's own state, its key included


def dynamic_aggregate(
    weighting: str | Weighting = "random",
    *,
    num_tasks: int = 2,
    seed: int = 0,
    axis_name: str | None = None,
    **options,
) -> optax.GradientTransformationExtraArgs:
    """An optax transform that combines task gradients, [K, *shape] on every leaf, into one update, [*shape].

    It stands first in an `optax.chain`. Its update takes `(task_grads, state, params=None, *, losses=None,
    weights=None, present=None)` and ignores other extra arguments:
      losses: float [K], the task losses at this update; needed by weightings that need "losses".
      weights: float [K] from `next_weights`; then the gradient is taken as combined by them already, without the task
        axis, and passes through. Only where the weights are known beforehand.
      present: bool [K]; an absent task has weight 0 and its gradient is not looked at, and where the weights are
        known beforehand the others are scaled up to the same total.

    Args:
      weighting: a name of the registry, or a Weighting of one's own.
      num_tasks: K, the length of the task axis.
      seed: of the weighting's random key.
      axis_name: mapped axis of shard_map or pmap over which the gradients (and losses) are averaged here. None
        where they are averaged already, and under jit with NamedSharding.
      **options: of the weighting.

    Returns:
      A GradientTransformationExtraArgs; its update raises ValueError where a leaf has no task axis of length K, or
      where something that the weighting needs was not given.

    Example:
      >>> import jax.numpy as jnp, optax
      >>> from bilevel_jax.bilevel import dynamic_aggregate
      >>> tx = optax.chain(dynamic_aggregate("equal", num_tasks=2), optax.sgd(0.5))
      >>> params = {"w": jnp.zeros(3)}
      >>> state = tx.init(params)
      >>> task_grads = {"w": jnp.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])}
      >>> updates, state = tx.update(task_grads, state, params)
      >>> print(updates["w"])
      [-0.25 -0.25  0.  ]
    """
    if num_tasks < 1:
        raise ValueError(f"num_tasks must be at least 1, got {num_tasks}")
    rule = named_weighting(weighting, **options)
    known = rule.needs in ("nothing", "losses")

    def init_fn(params):
        del params
        inner = rule.init(num_tasks, jax.random.PRNGKey(seed))
        zeros = jnp.zeros((num_tasks,), jnp.float32)
        following = zeros
        if rule.needs == "nothing":
            following, inner = rule.weigh(None, inner)
        elif rule.needs == "losses":
            following = jnp.full((num_tasks,), 1.0 / num_tasks, jnp.float32)  # no loss has been seen yet
        return AggregateState(jnp.zeros((), jnp.int32), zeros, following, inner)

    def update_fn(updates, state, params=None, *, losses=None, weights=None, present=None, **ignored):
        del params, ignored
        if weights is not None and not known:
            raise ValueError(f"weights cannot be given beforehand to a weighting that needs {rule.needs!r}")
        if weights is None:
            _check_task_axis(updates, num_tasks)
            if present is not None:
                updates = jax.tree.map(lambda g: jnp.where(_column(present, g), g, 0), updates)
        if known:
            combined, used, following, inner = _known_beforehand(updates, state, losses, weights, present)
        else:
            combined, used, inner = _from_gradients(updates, state, present)
            following = state.next_weights
        return combined, AggregateState(state.count + 1, used, following, inner)

    def _known_beforehand(updates, state, losses, weights, present):
        used = next_weights(state, losses, present) if weights is None else jnp.asarray(weights, jnp.float32)
        combined = updates if weights is not None else combine(used, updates)
        combined = trees.mean(combined, axis_name)  # after the combination: one gradient travels, not K
        given = None
        if rule.needs == "losses":
            if losses is None:
                raise ValueError("this weighting needs losses: pass update(..., losses=[K])")
            given = trees.mean(jnp.asarray(losses, jnp.float32), axis_name)
        following, inner = rule.weigh(given, state.weighting)
        return combined, used, following, inner

    def _from_gradients(updates, state, present):
        updates = trees.mean(updates, axis_name)
        if rule.needs == "gradients":
            combined, inner = rule.weigh(updates, state.weighting)
            return combined, state.weights, inner
        used, inner = rule.weigh(gramian(updates), state.weighting)
        if present is not None:
            used = jnp.where(present, used, 0.0)
        return combine(used, updates), used, inner

    return optax.GradientTransformationExtraArgs(init_fn, update_fn)


def next_weights(state: PyTree, losses: jax.Array | None = None, present: jax.Array | None = None) -> jax.Array:
    """The weights float32 [K] that the coming update will use, from the state of `dynamic_aggregate` or its chain.

    They are drawn when the update before is made, and a weighting that needs "losses" sees those of past updates, so
    `losses` (of the coming update) do not matter; the argument is there for the symmetry with `update`. `present`
    (bool [K]) has to be the one that the update will be given. For a weighting that needs gradients the result is
    zeros: see `weights_known`.
    """
    del losses
    weights = find_state(state).next_weights
    if present is None:
        return weights
    kept = jnp.where(present, weights, 0.0)
    kept_total = jnp.sum(kept)
    return kept * jnp.where(kept_total > 0, jnp.sum(weights) / jnp.where(kept_total > 0, kept_total, 1.0), 0.0)


def weights_known(weighting: str | Weighting, **options) -> bool:
    """Whether a weighting's weights are known before any backward pass, so that one pull-back serves all tasks."""
    return named_weighting(weighting, **options).needs in ("nothing", "losses")


def find_state(state: PyTree) -> AggregateState:
    """The AggregateState inside the state of a chain; raises ValueError where there is not exactly one."""
    found = [
        leaf
        for leaf in jax.tree.leaves(state, is_leaf=lambda node: isinstance(node, AggregateState))
        if isinstance(leaf, AggregateState)
    ]
    if len(found) != 1:
        raise ValueError(f"expected the state of one dynamic_aggregate, found {len(found)}")
    return found[0]


def combine(weights: jax.Array, task_grads: PyTree) -> PyTree:
    """The weighted sum over the leading task axis, [K] and [K, *shape] -> [*shape], accumulated in float32 or wider."""

    def leaf(g):
        accumulated = jax.lax.dot_general(
            weights.astype(trees.accumulator(g.dtype)),
            g.astype(trees.accumulator(g.dtype)),
            dimension_numbers=(((0,), (0,)), ((), ())),
            precision=jax.lax.Precision.HIGHEST,
        )
        return accumulated.astype(g.dtype)

    return jax.tree.map(leaf, task_grads)


def _column(present, leaf):
    return jnp.reshape(present, (-1,) + (1,) * (leaf.ndim - 1))


def _check_task_axis(task_grads, num_tasks):
    for path, leaf in jax.tree_util.tree_leaves_with_path(task_grads):
        if jnp.ndim(leaf) == 0 or leaf.shape[0] != num_tasks:
            raise ValueError(
                f"task gradient {jax.tree_util.keystr(path)} has shape {jnp.shape(leaf)}: "
                f"expected a leading task axis of {num_tasks}"
            )
