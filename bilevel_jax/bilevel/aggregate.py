"""dynamic_aggregate: K task gradients in, one update out, as an optax transform."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.gramian import conflicts, cosines, gramian
from bilevel_jax.bilevel.present_tasks import renormalised, weigh_present
from bilevel_jax.bilevel.shared_leaves import shared_mask, split_leaves
from bilevel_jax.bilevel.weighting import Weighting, named_weighting

PyTree = Any


class Accumulated(NamedTuple):
    """What gradient accumulation has gathered since the last update."""

    gradient: PyTree  # float32 mean so far: combined where the weights are known beforehand, else [K, *shape]
    losses: jax.Array  # float32 [K]
    present: jax.Array  # bool [K], the tasks present at any of the steps
    steps: jax.Array  # int32 scalar


class AggregateState(NamedTuple):
    """The state of `dynamic_aggregate`: arrays only, so a restored checkpoint continues the same stream."""

    count: jax.Array  # int32 scalar, the updates made
    weights: jax.Array  # float32 [K], those of the last update; zeros before the first and for needs="gradients"
    next_weights: jax.Array  # float32 [K], those of the coming update where they are known; zeros where they are not
    cosines: jax.Array  # float32 [K, K] between the task gradients of the last update; see `diagnostics`
    conflicts: jax.Array  # int32 scalar, the pairs of tasks with a negative cosine
    weighting: PyTree  # the weighting's own state, its key included
    accumulated: Accumulated | tuple[()]  # () without accumulation


def dynamic_aggregate(
    weighting: str | Weighting = "random",
    *,
    num_tasks: int = 2,
    seed: int = 0,
    axis_name: str | None = None,
    task_scale: tuple[float, ...] | None = None,
    shared: PyTree | Callable[[PyTree], PyTree] | None = None,
    accumulate: int = 1,
    diagnostics: bool = False,
    **options,
) -> optax.GradientTransformationExtraArgs:
    """An optax transform that combines task gradients, [K, *shape] on every leaf, into one update, [*shape].

    It stands first in an `optax.chain`. Its update takes `(task_grads, state, params=None, *, losses=None,
    weights=None, present=None)` and ignores other extra arguments:
      losses: float [K], the task losses at this update; needed by weightings that need "losses".
      weights: float [K] from `next_weights`; then the gradient is taken as combined by them already, without the task
        axis, and passes through (with `shared`: that of `combined_gradient(..., shared=shared)`). Only where the
        weights are known beforehand.
      present: bool [K]; an absent task has weight 0, its gradient is not looked at, and its loss counts as 0. Weights
        known beforehand are scaled up to the same total; every other weighting gives what it gives for the present
        tasks alone (one of your own that needs the gradients sees zeros, unless it has `weigh_present`). A
        `preference` keeps its values.

    Args:
      weighting: a name of the registry, or a Weighting of one's own.
      num_tasks: K, the length of the task axis.
      seed: of the weighting's random key.
      axis_name: mapped axis of shard_map or pmap over which the gradients (and losses) are averaged here. None
        where they are averaged already, and under jit with NamedSharding.
      task_scale: K factors on the task gradients, applied before the weighting sees them. Gradients that come combined
        are taken to have them.
      shared: a pytree of bools like the params (or a function that makes it of them): only leaves that are True are
        weighed; the others, such as task heads, pass through as the sum over tasks.
      accumulate: n > 1 gathers the mean of n gradients and updates at the n-th; before it the update is zero. Put
        what follows in the chain into `optax.transforms.conditionally_transform(tx, lambda step: step % n == n - 1)`.
      diagnostics: the state's `cosines` and `conflicts` are filled in also where the weighting does not need the
        Gramian (they need gradients that come stacked).
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
      >>> print(updates["w"][:2])
      [-0.25 -0.25]
    """
    if num_tasks < 1 or accumulate < 1:
        raise ValueError(f"num_tasks and accumulate must be at least 1, got {num_tasks} and {accumulate}")
    if task_scale is not None and len(task_scale) != num_tasks:
        raise ValueError(f"{len(task_scale)} values of task_scale for {num_tasks} tasks")
    rule = named_weighting(weighting, **options)
    known = rule.needs in ("nothing", "losses")

    def init_fn(params):
        key, zeros = jax.random.PRNGKey(seed), jnp.zeros((num_tasks,), jnp.float32)
        if rule.init_with_params is not None:
            inner = rule.init_with_params(num_tasks, key, split_leaves(params, shared_mask(shared, params))[0])
        else:
            inner = rule.init(num_tasks, key)
        following = zeros
        if rule.needs == "nothing":
            following, inner = rule.weigh(None, inner)
        elif rule.needs == "losses":
            following = jnp.full((num_tasks,), 1.0 / num_tasks, jnp.float32)  # no loss has been seen yet
        count, pairs = jnp.zeros((), jnp.int32), jnp.zeros((num_tasks, num_tasks), jnp.float32)
        state = AggregateState(count, zeros, following, pairs, count, inner, _nothing_yet(params))
        # Each leaf a buffer of its own, so that the state may be donated to the first step.
        return jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), state)

    def _nothing_yet(params):
        if accumulate == 1:
            return ()
        axis = () if known else (num_tasks,)
        gradient = jax.tree.map(lambda p: jnp.zeros((*axis, *jnp.shape(p)), trees.accumulator(p.dtype)), params)
        none = jnp.zeros((num_tasks,), bool)
        return Accumulated(gradient, none.astype(jnp.float32), none, jnp.zeros((), jnp.int32))

    def update_fn(updates, state, params=None, *, losses=None, weights=None, present=None, **ignored):
        del params, ignored
        mask = shared_mask(shared, updates)
        _check(weights, losses)
        if weights is None:
            _check_task_axis(updates, num_tasks)
            if present is not None:
                updates = jax.tree.map(lambda g: jnp.where(_column(present, g), g, 0), updates)
            if task_scale is not None:
                scale = jnp.asarray(task_scale, jnp.float32)
                updates = jax.tree.map(lambda g: (_column(scale, g) * g).astype(g.dtype), updates)
        if losses is not None:
            losses = jnp.asarray(losses, jnp.float32)
            losses = trees.mean(losses if present is None else jnp.where(present, losses, 0.0), axis_name)
        if weights is None and (diagnostics or not known):
            updates = trees.mean(updates, axis_name)
        if known:
            state = _note(state, gramian(split_leaves(updates, mask)[0]) if diagnostics and weights is None else None)
            used = renormalised(state.next_weights, present) if weights is None else jnp.asarray(weights, jnp.float32)
            gathered = updates if weights is not None else _combined(used, updates, mask)
            if weights is not None or not diagnostics:
                gathered = trees.mean(gathered, axis_name)  # after the combination: one gradient travels, not K
            state = state._replace(weights=used)
        else:
            gathered = updates
        if accumulate == 1:
            return finish(gathered, state, losses, present, mask)
        return gather(gathered, state, losses, present, mask)

    def finish(gathered, state, losses, present, mask):
        """One update from gradients, combined where the weights are known and stacked where they are not."""
        state = state._replace(count=state.count + 1)
        if known:
            following, inner = rule.weigh(losses if rule.needs == "losses" else None, state.weighting)
            return gathered, state._replace(next_weights=following, weighting=inner)
        weighed, heads, merge = split_leaves(gathered, mask)
        heads = [jnp.sum(head, axis=0) for head in heads]
        matrix = gramian(weighed) if diagnostics or rule.needs == "gramian" else None
        state = _note(state, matrix)
        if rule.needs == "gradients":
            if present is None or rule.weigh_present is None:
                combined, inner = rule.weigh(weighed, state.weighting)
            else:
                combined, inner = rule.weigh_present(weighed, state.weighting, present)
            return merge(combined, heads), state._replace(weighting=inner)
        used, inner = weigh_present(rule, matrix, state.weighting, present)
        return merge(combine(used, weighed), heads), state._replace(weights=used.astype(jnp.float32), weighting=inner)

    def gather(gathered, state, losses, present, mask):
        so_far = state.accumulated
        share = 1.0 / accumulate
        now = Accumulated(
            jax.tree.map(lambda a, g: a + share * g.astype(a.dtype), so_far.gradient, gathered),
            so_far.losses if losses is None else so_far.losses + share * losses,
            so_far.present | (True if present is None else present),
            so_far.steps + 1,
        )

        def emit():
            gradient = jax.tree.map(lambda a, g: a.astype(g.dtype), now.gradient, gathered)
            combined, after = finish(gradient, state, now.losses, None if present is None else now.present, mask)
            return combined, after._replace(accumulated=jax.tree.map(jnp.zeros_like, now))

        def wait():
            shapes = jax.eval_shape(emit)[0]
            return jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes), state._replace(accumulated=now)

        return jax.lax.cond(now.steps == accumulate, emit, wait)

    def _check(weights, losses):
        if weights is not None and not known:
            raise ValueError(f"weights cannot be given beforehand to a weighting that needs {rule.needs!r}")
        if rule.needs == "losses" and losses is None:
            raise ValueError("this weighting needs losses: pass update(..., losses=[K])")

    return optax.GradientTransformationExtraArgs(init_fn, update_fn)


def next_weights(state: PyTree, losses: jax.Array | None = None, present: jax.Array | None = None) -> jax.Array:
    """The weights float32 [K] that the coming update will use, from the state of `dynamic_aggregate` or its chain.

    They are drawn when the update before is made, and a weighting that needs "losses" sees those of past updates, so
    `losses` (of the coming update) do not matter; the argument is there for the symmetry with `update`. `present`
    (bool [K]) has to be the one that the update will be given. For a weighting that needs gradients the result is
    zeros: see `weights_known`.
    """
    del losses
    return renormalised(find_state(state).next_weights, present)


def weights_known(weighting: str | Weighting, **options) -> bool:
    """Whether a weighting's weights are known before any backward pass, so that one pull-back serves all tasks."""
    return named_weighting(weighting, **options).needs in ("nothing", "losses")


def find_state(state: PyTree) -> AggregateState:
    """The AggregateState inside the state of a chain; raises ValueError where there is not exactly one."""
    nodes = jax.tree.leaves(state, is_leaf=lambda node: isinstance(node, AggregateState))
    found = [node for node in nodes if isinstance(node, AggregateState)]
    if len(found) != 1:
        raise ValueError(f"expected the state of one dynamic_aggregate, found {len(found)}")
    return found[0]


def combine(weights: jax.Array, task_grads: PyTree) -> PyTree:
    """The weighted sum over the leading task axis, [K] and [K, *shape] -> [*shape], accumulated in float32 or wider."""
    return trees.weighted_sum(weights, task_grads)


def _combined(weights, task_grads, mask):
    weighed, heads, merge = split_leaves(task_grads, mask)
    return merge(combine(weights, weighed), [jnp.sum(head, axis=0) for head in heads])


def _note(state, matrix):
    if matrix is None:
        return state
    found = cosines(matrix).astype(jnp.float32)
    return state._replace(cosines=found, conflicts=conflicts(found))


def _column(values, leaf):
    return jnp.reshape(values, (-1,) + (1,) * (leaf.ndim - 1))


def _check_task_axis(task_grads, num_tasks):
    for path, leaf in jax.tree_util.tree_leaves_with_path(task_grads):
        if jnp.ndim(leaf) == 0 or leaf.shape[0] != num_tasks:
            raise ValueError(
                f"task gradient {jax.tree_util.keystr(path)} has shape {jnp.shape(leaf)}: "
                f"expected a leading task axis of {num_tasks}"
            )
