"""How weights are found when some tasks are absent from an update."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.bilevel.weighting import Weighting


def present_mask(present: ArrayLike | Sequence[ArrayLike] | None, num_tasks: int) -> Bool[Array, " k"] | None:
    """Turns what a user gives for `present` into a mask [K]; None = all tasks are present.

    A list, a tuple or an array will do, of bools or of numbers: a task is present where its number is not 0, so that
    numbers of labels serve too.

    Raises:
      ValueError: there is not one value for each task, or it is no number.
    """
    if present is None:
        return None
    try:
        values = jnp.asarray(present)
    except TypeError as error:
        raise ValueError(f"present= is {present!r}: expected {num_tasks} bools or numbers, in order") from error
    if values.shape != (num_tasks,):
        raise ValueError(f"present has shape {values.shape}: expected ({num_tasks},), one value for each task")
    return values if values.dtype == bool else values != 0


def renormalised(weights: Float[Array, " k"], present: Bool[Array, " k"] | None) -> Float[Array, " k"]:
    """Sets the weights of absent tasks to 0 and scales the others up to the same total; all are 0 without any task."""
    if present is None:
        return weights
    kept = jnp.where(present, weights, 0.0)
    total = jnp.sum(kept)
    return kept * jnp.where(total > 0, jnp.sum(weights) / jnp.where(total > 0, total, 1.0), 0.0)


def weigh_given(
    rule: Weighting, given: PyTree, state: PyTree, present: Bool[Array, " k"] | None
) -> tuple[PyTree, PyTree]:
    """Applies a rule to losses or gradients: (weights or update, next state); it is told who is absent if it asks."""
    if present is None or rule.weigh_present is None:
        return rule.weigh(given, state)
    return rule.weigh_present(given, state, present)


def weigh_losses(
    rule: Weighting, losses: Float[Array, " k"], state: PyTree, present: Bool[Array, " k"] | None
) -> tuple[Float[Array, " k"], PyTree]:
    """Applies a rule that needs the current losses: (weights, 0 for absent tasks; the rule's next state).

    Args:
      rule: a weighting with needs="current_losses".
      losses: of all tasks; those of absent tasks are not looked at.
      state: the rule's.
      present: None where all tasks are present.
    """
    if present is None:
        return rule.weigh(losses, state)
    weights, state = weigh_given(rule, jnp.where(present, losses, 0.0), state, present)
    alike = rule.weigh_present is None  # the rule does not know who is absent
    return renormalised(weights, present) if alike else jnp.where(present, weights, 0.0), state


def weigh_present(
    rule: Weighting, matrix: Float[Array, "k k"], state: PyTree, present: Bool[Array, " k"] | None
) -> tuple[Float[Array, " k"], PyTree]:
    """Applies a rule that needs the Gramian to the present tasks alone.

    The present tasks are moved to the front and the rule is applied to as many tasks as there are; each number of tasks
    has a branch of its own in the compiled program. A rule whose state has the size of K cannot be applied to fewer
    tasks: it sees zero gradients for the absent ones.

    Args:
      rule: a weighting with needs="gramian".
      matrix: the Gramian of all tasks; the rows of absent tasks are not looked at.
      state: the rule's.
      present: None where all tasks are present.

    Returns:
      (weights, 0 for absent tasks; the rule's next state).
    """
    if present is None:
        return rule.weigh(matrix, state)
    num_tasks = matrix.shape[0]
    order = jnp.argsort(~present, stable=True)
    compact = matrix[order][:, order]

    def branch(number):
        def weigh(state):
            if number == 0:
                return jnp.zeros((num_tasks,), matrix.dtype), state
            if not _accepts(rule, number):  # krum below its minimum
                return jnp.full((num_tasks,), 1.0 / number, matrix.dtype), state
            weights, state = rule.weigh(compact[:number, :number], state)
            return jnp.pad(weights, (0, num_tasks - number)).astype(matrix.dtype), state

        return weigh

    if _same_state(rule, num_tasks):
        branches = [branch(number) for number in range(num_tasks + 1)]
        compact_weights, state = jax.lax.switch(jnp.sum(present), branches, state)
        weights = jnp.zeros_like(compact_weights).at[order].set(compact_weights)
    else:
        both = present[:, None] & present[None, :]
        weights, state = rule.weigh(jnp.where(both, matrix, 0.0), state)
    return jnp.where(present, weights, 0.0), state


def _state_shapes(rule: Weighting, number: int) -> PyTree:
    return jax.tree.map(jnp.shape, jax.eval_shape(lambda key: rule.init(number, key), jax.random.PRNGKey(0)))


def _accepts(rule: Weighting, number: int) -> bool:
    try:
        _state_shapes(rule, number)
    except ValueError:
        return False
    return True


def _same_state(rule: Weighting, num_tasks: int) -> bool:
    """Whether the rule's state has one shape for all numbers of tasks."""
    full = _state_shapes(rule, num_tasks)
    smaller = [n for n in range(1, num_tasks) if _accepts(rule, n)]
    # A rule that accepts no smaller number keeps K in its options, such as a preference.
    return bool(smaller or num_tasks == 1) and all(_state_shapes(rule, n) == full for n in smaller)
