"""From task gradients to the weights of a rule that needs their Gramian: scale and precision."""

import contextlib

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from bilevel_jax.bilevel.gramian import scaled_gramian
from bilevel_jax.bilevel.present_tasks import weigh_present
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.bilevel.weighting import Weighting


def weights_of_gradients(
    rule: Weighting, task_grads: PyTree, state: PyTree, present: Bool[Array, " k"] | None, dtype: str
) -> tuple[Float[Array, " k"], PyTree, Float[Array, "k k"]]:
    """The weights, the rule's next state, and the Gramian (divided by a power of two).

    Args:
      rule: a weighting with needs="gramian".
      task_grads: a pytree, every leaf [K, *shape].
      state: the rule's.
      present: None where all tasks are present.
      dtype: "float32" or "float64", of the Gramian and of what the rule computes with it; the results are float32 (or
        as wide as the gradients) in either case.
    """
    if dtype == "float32":
        matrix, exponent = scaled_gramian(task_grads)
        weights, state = _weigh(rule, matrix, exponent, state, present)
        return weights, state, matrix
    with contextlib.ExitStack() as stack:
        stack.enter_context(jax.enable_x64(True))
        wide = jax.tree.map(lambda g: g.astype(jnp.promote_types(g.dtype, jnp.float64)), task_grads)
        matrix, exponent = scaled_gramian(wide)
        weights, following = _weigh(rule, matrix, exponent, state, present)
        weights, matrix = weights.astype(jnp.float32), matrix.astype(jnp.float32)
        following = jax.tree.map(lambda new, old: new.astype(old.dtype), following, state)
    return weights, following, matrix


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
    return weights * jnp.exp2(exponent * jnp.asarray(rule.degree, weights.dtype)), state
