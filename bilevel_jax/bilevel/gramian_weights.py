"""From task gradients to their combination by a rule that needs their Gramian: scale and precision."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from bilevel_jax.bilevel.gramian import scaled_gramian
from bilevel_jax.bilevel.present_tasks import weigh_present
from bilevel_jax.bilevel.trees import PyTree, at_least, column, times, weighted_sum
from bilevel_jax.bilevel.weighting import Weighting


class Combined(NamedTuple):
    """What a rule has made of task gradients."""

    gradient: PyTree  # [*shape] on every leaf, in the types of the task gradients
    weights: Float[Array, " k"]  # float32
    state: PyTree  # the rule's next state
    gramian: Float[Array, "k k"]  # divided by a power of two


def combined_by_gramian(
    rule: Weighting, task_grads: PyTree, state: PyTree, present: Bool[Array, " k"] | None, dtype: str
) -> Combined:
    """The combination of task gradients by the weights that a rule finds from their Gramian.

    Args:
      rule: a weighting with needs="gramian".
      task_grads: a pytree, every leaf [K, *shape].
      state: the rule's.
      present: None where all tasks are present.
      dtype: "float32" or "float64", of the Gramian, of what the rule computes with it, and of the weighted sum: large
        weights of opposed gradients cancel there. Gradients of float64 are computed with in float64 in either case.
    """
    if dtype == "float32":
        return _combined(rule, task_grads, state, present)

    @jax.custom_jvp
    def combined(task_grads, state, present):
        return _combined_in_float64(rule, task_grads, state, present)

    # Outside of the part in float64 a transposition would mix both types, so the derivative is that of the types given.
    @combined.defjvp
    def derivative(primals, tangents):
        found = combined(*primals)
        _, moved = jax.jvp(lambda *given: _combined(rule, *given), primals, tangents)
        fitting = jax.tree.map(lambda t, o: t.astype(o.dtype) if _is_inexact(o) else t, moved, found)
        return found, fitting

    return combined(task_grads, state, present)


def _is_inexact(leaf: Array) -> bool:
    return jnp.issubdtype(leaf.dtype, jnp.inexact)


def _combined_in_float64(
    rule: Weighting, task_grads: PyTree, state: PyTree, present: Bool[Array, " k"] | None
) -> Combined:
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda g: g.astype(at_least(g.dtype, jnp.float64)), task_grads)
        found = _combined(rule, wide, state, present)
        gradient = jax.tree.map(lambda d, g: d.astype(g.dtype), found.gradient, task_grads)
        following = jax.tree.map(lambda new, old: new.astype(old.dtype), found.state, state)
        return Combined(gradient, found.weights, following, found.gramian.astype(jnp.float32))


def _combined(rule: Weighting, task_grads: PyTree, state: PyTree, present: Bool[Array, " k"] | None) -> Combined:
    matrix, exponent = scaled_gramian(task_grads)
    unit = jnp.ldexp(jnp.ones((), matrix.dtype), exponent)  # the matrix is that of the gradients divided by it
    weights, state = weigh_present(rule, matrix if rule.degree is not None else matrix * unit * unit, state, present)
    if rule.drops_rows:
        kept = weights != 0
        task_grads = jax.tree.map(lambda g: jnp.where(column(kept, g), g, jnp.zeros((), g.dtype)), task_grads)
    degree = 0.0 if rule.degree is None else rule.degree
    if isinstance(degree, float) and degree in (0.0, -1.0):
        weights = weights if degree == 0.0 else jnp.ldexp(weights, -exponent)  # exact
        return Combined(weighted_sum(weights, task_grads), weights.astype(jnp.float32), state, matrix)
    # The weights of very short gradients may be too large for float32; the update is not.
    inverse = jnp.ldexp(jnp.ones((), matrix.dtype), -exponent)
    units = jax.tree.map(lambda g: times(g.astype(at_least(g.dtype, inverse.dtype)), inverse), task_grads)
    power = exponent.astype(weights.dtype)
    longer = jnp.exp2(power * (1 + jnp.asarray(degree, weights.dtype)))
    gradient = jax.tree.map(lambda d, g: times(d, longer).astype(g.dtype), weighted_sum(weights, units), task_grads)
    shown = weights * jnp.exp2(power * jnp.asarray(degree, weights.dtype))
    most = float(jnp.finfo(jnp.float32).max)
    return Combined(gradient, jnp.clip(shown, -most, most).astype(jnp.float32), state, matrix)
