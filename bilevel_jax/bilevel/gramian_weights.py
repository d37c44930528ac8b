"""From task gradients to their combination by a rule that needs their Gramian: scale and precision."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from bilevel_jax.bilevel.gramian import scaled_gramian
from bilevel_jax.bilevel.present_tasks import weigh_present
from bilevel_jax.bilevel.trees import PyTree, column, weighted_sum
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
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda g: g.astype(jnp.promote_types(g.dtype, jnp.float64)), task_grads)
        found = _combined(rule, wide, state, present)
        gradient = jax.tree.map(lambda d, g: d.astype(g.dtype), found.gradient, task_grads)
        following = jax.tree.map(lambda new, old: new.astype(old.dtype), found.state, state)
        return Combined(gradient, found.weights, following, found.gramian.astype(jnp.float32))


def _combined(rule: Weighting, task_grads: PyTree, state: PyTree, present: Bool[Array, " k"] | None) -> Combined:
    matrix, exponent = scaled_gramian(task_grads)
    weights, state = _weigh(rule, matrix, exponent, state, present)
    if rule.drops_rows:
        kept = weights != 0
        task_grads = jax.tree.map(lambda g: jnp.where(column(kept, g), g, jnp.zeros((), g.dtype)), task_grads)
    return Combined(weighted_sum(weights, task_grads), weights.astype(jnp.float32), state, matrix)


def _weigh(
    rule: Weighting,
    matrix: Float[Array, "k k"],
    exponent: Int[Array, ""],
    state: PyTree,
    present: Bool[Array, " k"] | None,
) -> tuple[Float[Array, " k"], PyTree]:
    """The weights for the Gramian matrix 4^exponent, by the rule's degree."""
    if rule.degree is None:
        factor = jnp.ldexp(jnp.ones((), matrix.dtype), exponent)
        return weigh_present(rule, matrix * factor * factor, state, present)
    weights, state = weigh_present(rule, matrix, state, present)
    if isinstance(rule.degree, float) and rule.degree == 0.0:
        return weights, state
    if isinstance(rule.degree, float) and rule.degree == -1.0:  # exact
        return jnp.ldexp(weights, -exponent), state
    return weights * jnp.exp2(exponent.astype(weights.dtype) * jnp.asarray(rule.degree, weights.dtype)), state
