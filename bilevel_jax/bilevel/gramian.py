"""The K x K inner products of stacked task gradients."""

from typing import Any

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel.trees import accumulator


def gramian(task_grads: Any) -> jax.Array:
    """The matrix <g_i, g_j> of task gradients stacked on the leading axis of every leaf: [K, *shape] -> [K, K].

    Accumulates in float32 (float64 for float64 gradients) whatever the type of the gradients. Leaf by leaf and
    without a reshape, so there is no concatenated copy and sharded leaves stay where they are.
    """
    leaves = jax.tree.leaves(task_grads)
    if not leaves:
        raise ValueError("the task gradients have no leaves")
    return sum(_leaf_gramian(leaf) for leaf in leaves)


def _leaf_gramian(leaf: jax.Array) -> jax.Array:
    axes = tuple(range(1, leaf.ndim))
    return jax.lax.dot_general(
        leaf,
        leaf,
        dimension_numbers=((axes, axes), ((), ())),
        precision=jax.lax.Precision.HIGHEST,  # TF32 or bfloat16 passes would lose the small cosines
        preferred_element_type=accumulator(leaf.dtype),
    )


def cosines(matrix: jax.Array) -> jax.Array:
    """The cosines between task gradients from their Gramian [K, K]; 0 where a gradient is zero."""
    norms = jnp.sqrt(jnp.diagonal(matrix))
    safe = jnp.where(norms > 0, norms, 1.0)
    return matrix / safe[:, None] / safe[None, :]


def conflicts(cosines: jax.Array) -> jax.Array:
    """How many pairs of tasks have a negative cosine, an int32 scalar, from their cosines [K, K]."""
    return jnp.sum(jnp.triu(cosines < 0, 1), dtype=jnp.int32)
