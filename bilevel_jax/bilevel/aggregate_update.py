"""How `dynamic_aggregate` begins, and how it makes one update."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.accumulation import nothing_yet, over_present_steps, with_one_more
from bilevel_jax.bilevel.aggregate_state import AggregateState, coming_weights, with_diagnostics
from bilevel_jax.bilevel.gramian import complex_again, real_parts, scaled_gramian
from bilevel_jax.bilevel.gramian_weights import combined_by_gramian
from bilevel_jax.bilevel.present_tasks import present_mask, weigh_given, weigh_losses
from bilevel_jax.bilevel.shared_leaves import Mask, makes_masks, shared_mask, split_leaves
from bilevel_jax.bilevel.skipped_steps import all_finite, chosen, unless_spoilt, zeros_unless
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.bilevel.update_checks import (
    check_axis,
    check_combined,
    check_task_axis,
    refuse_conditional,
    refuse_masked,
    vector_of_tasks,
)
from bilevel_jax.bilevel.weighting import Weighting

Losses = Float[Array, " k"] | None
Weights = Float[Array, " k"] | None
Present = Bool[Array, " k"] | None


class Settings(NamedTuple):
    """The arguments of `dynamic_aggregate`, with the weighting made of its name and options."""

    rule: Weighting
    num_tasks: int
    seed: int | PRNGKeyArray
    axis_name: str | None
    task_scale: Sequence[float] | None
    shared: PyTree | Callable[[PyTree], PyTree] | None
    accumulate: int
    diagnostics: bool
    skip_nonfinite: bool
    gramian_dtype: str


def begin(settings: Settings, params: PyTree) -> AggregateState:
    """The first state, for parameters without a task axis."""
    refuse_masked(params)
    rule, num_tasks = settings.rule, settings.num_tasks
    key, zeros = _key(settings.seed), jnp.zeros((num_tasks,), jnp.float32)
    if rule.init_with_params is not None:
        weighed = split_leaves(params, shared_mask(settings.shared, params))[0]
        inner = rule.init_with_params(num_tasks, key, real_parts(weighed, axis=0))
    else:
        inner = rule.init(num_tasks, key)
    following: Array | tuple[()] = zeros
    if rule.needs == "current_losses":
        following = ()
    elif rule.needs == "nothing":
        following, inner = rule.weigh(None, inner)
    elif rule.needs == "losses":
        following = jnp.full((num_tasks,), 1.0 / num_tasks, jnp.float32)  # no loss has been seen yet
    count, pairs = jnp.zeros((), jnp.int32), jnp.zeros((num_tasks, num_tasks), jnp.float32)
    stacked = not rule.one_pull
    accumulated = () if settings.accumulate == 1 else nothing_yet(params, num_tasks, stacked)
    state = AggregateState(count, zeros, following, pairs, count, inner, accumulated)
    # Each leaf gets a buffer of its own, so that the state may be donated to the first step.
    return jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), state)


def _key(seed: int | PRNGKeyArray) -> PRNGKeyArray:
    """The key of a seed, or a key as it is, in the form without a type, which checkpoints hold."""
    if jnp.issubdtype(jnp.result_type(seed), jax.dtypes.prng_key):
        return jax.random.key_data(seed)
    return seed if isinstance(seed, jax.Array) and seed.ndim else jax.random.PRNGKey(seed)


def own_buffers(tree: PyTree, given: PyTree) -> PyTree:
    """The tree with a copy of each array that is in it twice or among the arrays `given`, so that it may be donated.

    Under jit nothing has to be done: there every result has a buffer of its own.
    """
    seen = {id(leaf) for leaf in jax.tree.leaves(given)}

    def own(leaf):
        if isinstance(leaf, jax.core.Tracer):
            return leaf
        if id(leaf) in seen:
            leaf = jnp.array(leaf, copy=True)
        seen.add(id(leaf))
        return leaf

    return jax.tree.map(own, tree)


def _mask_of(settings: Settings, updates: PyTree, stacked: bool) -> Mask:
    """The mask of the shared leaves; a function that makes it is given leaves shaped as the parameters."""
    if not makes_masks(settings.shared) or not stacked:
        return shared_mask(settings.shared, updates)
    return shared_mask(settings.shared, jax.tree.map(lambda g: g[0], updates))


def updater(settings: Settings) -> Callable[..., tuple[PyTree, AggregateState]]:
    """The function that makes one update: (gradients, state, params, losses, weights, present) -> (update, state)."""
    aggregated: Callable[..., tuple[PyTree, AggregateState]] = functools.partial(_aggregated, settings)
    loops = settings.accumulate > 1 or settings.diagnostics or not settings.rule.one_pull
    if settings.rule.jittable and loops:
        aggregated = _compiled_outside_jit(aggregated)
    return functools.partial(_updated, settings, aggregated)


def _compiled_outside_jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which outside jit, vmap and grad is compiled once for all calls.

    Otherwise JAX would compile each of its loops and conditions at every call.
    """
    compiled = jax.jit(function, inline=True)

    def call(*arguments):
        traced = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(arguments))
        return (function if traced else compiled)(*arguments)

    return call


def _updated(
    settings: Settings,
    aggregated: Callable[..., tuple[PyTree, AggregateState]],
    updates: PyTree,
    state: AggregateState,
    params: PyTree | None,
    losses: Losses,
    weights: Weights,
    present: Present,
) -> tuple[PyTree, AggregateState]:
    """One update and the next state; `dynamic_aggregate` says what the arguments are."""
    present = present_mask(present, settings.num_tasks)
    losses, weights = _checked(settings, updates, state, params, losses, weights)
    if weights is None:
        updates = _present_and_scaled(updates, present, settings.task_scale)
    if losses is not None:
        losses = trees.mean(losses if present is None else jnp.where(present, losses, 0.0), settings.axis_name)
    if not settings.skip_nonfinite:
        combined, after = aggregated(updates, state, losses, weights, present)
        return combined, own_buffers(after, (losses, weights, present))
    # The numbers of a skipped update are replaced by zeros before anything sees them.
    finite = all_finite(updates, losses, settings.axis_name)
    updates, losses, weights = zeros_unless(finite, (updates, losses, weights))
    if settings.accumulate > 1:  # a skipped step is one at which every task is absent, so the count of steps goes on
        present = jnp.broadcast_to(finite, (settings.num_tasks,)) & (True if present is None else present)
        return aggregated(updates, state, losses, weights, present)
    combined, after = aggregated(updates, state, losses, weights, present)
    return own_buffers((zeros_unless(finite, combined), chosen(finite, after, state)), (losses, weights, present))


def _checked(
    settings: Settings, updates: PyTree, state: AggregateState, params: PyTree | None, losses: Losses, weights: Weights
) -> tuple[Losses, Weights]:
    """The losses and weights as float32 [K]; raises ValueError for what an update is refused for."""
    rule = settings.rule
    refuse_masked(updates)
    refuse_conditional()
    if weights is not None and not rule.one_pull:
        raise ValueError(f"weights cannot be given beforehand to a weighting that needs {rule.needs!r}")
    if rule.needs in ("losses", "current_losses") and losses is None:
        raise ValueError("this weighting needs losses: pass update(..., losses=[K])")
    if weights is None:
        check_task_axis(updates, settings.num_tasks, params)
    else:
        check_combined(updates, settings.num_tasks, params)
        weights = vector_of_tasks("weights", weights, settings.num_tasks)
    check_axis(updates, state, params, rule.needs, settings.axis_name)
    return (None if losses is None else vector_of_tasks("losses", losses, settings.num_tasks)), weights


def _aggregated(
    settings: Settings, updates: PyTree, state: AggregateState, losses: Losses, weights: Weights, present: Present
) -> tuple[PyTree, AggregateState]:
    """The update of gradients and losses that have been checked and scaled."""
    rule, mask = settings.rule, _mask_of(settings, updates, weights is None)
    if weights is None and (settings.diagnostics or not rule.one_pull):
        updates = trees.mean(updates, settings.axis_name)
    if rule.one_pull:
        updates, state = _combine_beforehand(settings, updates, state, losses, weights, present, mask)
    if settings.accumulate == 1:
        return _finish(settings, updates, state, losses, present, mask)
    return _accumulate(settings, updates, state, losses, present, mask)


def _combine_beforehand(
    settings: Settings,
    updates: PyTree,
    state: AggregateState,
    losses: Losses,
    weights: Weights,
    present: Present,
    mask: Mask,
) -> tuple[PyTree, AggregateState]:
    """The combined gradient, and the state with the weights used; with `weights` it came combined already."""
    if weights is not None:
        return trees.mean(updates, settings.axis_name), state._replace(weights=weights)
    weighed, heads, merge = split_leaves(updates, mask)
    if settings.diagnostics:
        state = with_diagnostics(state, scaled_gramian(weighed)[0])
    used = coming_weights(settings.rule, state, losses, present)
    combined = merge(combine(used, weighed), [jnp.sum(head, axis=0) for head in heads])
    if not settings.diagnostics:
        combined = trees.mean(combined, settings.axis_name)  # after the combination: one gradient travels, not K
    return combined, state._replace(weights=used)


def _finish(
    settings: Settings, gathered: PyTree, state: AggregateState, losses: Losses, present: Present, mask: Mask
) -> tuple[PyTree, AggregateState]:
    """One update from gradients, combined already where one pull serves all tasks, and stacked where it does not."""
    rule = settings.rule
    state = state._replace(count=state.count + 1)
    if rule.needs == "current_losses":
        assert losses is not None, "an update without losses, for a weighting that needs them"
        inner = weigh_losses(rule, losses, state.weighting, present)[1]
        return gathered, state._replace(weighting=unless_spoilt(inner, state.weighting))
    if rule.known_beforehand:
        if rule.needs == "nothing":
            following, inner = rule.weigh(None, state.weighting)
        else:
            weighed = weigh_given(rule, losses, state.weighting, present)
            following, inner = unless_spoilt(weighed, (state.next_weights, state.weighting))
        return gathered, state._replace(next_weights=following, weighting=inner)
    weighed, heads, merge = split_leaves(gathered, mask)
    heads = [jnp.sum(head, axis=0) for head in heads]
    if rule.needs == "gradients":
        if settings.diagnostics:
            state = with_diagnostics(state, scaled_gramian(weighed)[0])
        combined, inner = weigh_given(rule, real_parts(weighed), state.weighting, present)
        combined = complex_again(combined, weighed)
        return merge(combined, heads), state._replace(weighting=unless_spoilt(inner, state.weighting))
    found = combined_by_gramian(rule, weighed, state.weighting, present, settings.gramian_dtype)
    state = with_diagnostics(state, found.gramian)
    inner = unless_spoilt(found.state, state.weighting)
    return merge(found.gradient, heads), state._replace(weights=found.weights, weighting=inner)


def _accumulate(
    settings: Settings, gathered: PyTree, state: AggregateState, losses: Losses, present: Present, mask: Mask
) -> tuple[PyTree, AggregateState]:
    """Gathers one more gradient: a zero update, or at the last of `accumulate` steps the one of their mean."""
    assert state.accumulated, "a state without accumulation, for settings with it"
    now = with_one_more(state.accumulated, settings.accumulate, gathered, losses, present)

    def emit():
        gradient, means = over_present_steps(now, not settings.rule.one_pull)
        gradient = jax.tree.map(lambda a, g: a.astype(g.dtype), gradient, gathered)
        seen = None if present is None else now.present > 0
        combined, after = _finish(settings, gradient, state, means, seen, mask)
        if settings.skip_nonfinite:  # where all steps were skipped
            after = chosen(jnp.any(now.present > 0), after, state)
        return combined, after._replace(accumulated=jax.tree.map(jnp.zeros_like, now))

    def wait():
        # Made of the gradients, so that they are split over devices as the update is.
        like = gathered if settings.rule.one_pull else jax.tree.map(lambda g: g[0], gathered)
        return jax.tree.map(jnp.zeros_like, like), state._replace(accumulated=now)

    return jax.lax.cond(now.steps == settings.accumulate, emit, wait)


def _present_and_scaled(updates: PyTree, present: Present, task_scale: Sequence[float] | None) -> PyTree:
    """The task gradients with those of absent tasks 0 and the others multiplied by their scale."""
    if present is not None:
        updates = jax.tree.map(lambda g: jnp.where(trees.column(present, g), g, 0), updates)
    if task_scale is not None:
        scale = jnp.asarray(task_scale, jnp.float32)
        updates = jax.tree.map(
            lambda g: trees.times(g.astype(trees.accumulator(g.dtype)), trees.column(scale, g)).astype(g.dtype), updates
        )
    return updates


def combine(weights: Float[Array, " k"], task_grads: PyTree) -> PyTree:
    """The weighted sum over the leading task axis, [K] and [K, *shape] -> [*shape], accumulated in float32 or wider."""
    return trees.weighted_sum(weights, task_grads)
