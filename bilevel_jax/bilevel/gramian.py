"""The K x K inner products of stacked task gradients."""

from typing import Any

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel.trees import accumulator

FEW_TASKS = 4
CHUNK = 16384  # values of a task


def gramian(task_grads: Any) -> jax.Array:
    """The matrix <g_i, g_j> of task gradients stacked on the leading axis of every leaf: [K, *shape] -> [K, K].

    Accumulates in float32 (float64 for float64 gradients) whatever the type of the gradients. Leaf by leaf, so there
    is no concatenated copy, and sharded leaves stay where they are (on the CPU up to K = 4; with more tasks a leaf that
    is sharded over CPU devices is gathered).
    """
    leaves = jax.tree.leaves(task_grads)
    if not leaves:
        raise ValueError("the task gradients have no leaves")
    return sum(jax.lax.platform_dependent(leaf, cpu=_leaf_on_cpu, default=_leaf_gramian) for leaf in leaves)


def _leaf_gramian(leaf: jax.Array) -> jax.Array:
    axes = tuple(range(1, leaf.ndim))
    return jax.lax.dot_general(
        leaf,
        leaf,
        dimension_numbers=((axes, axes), ((), ())),
        precision=jax.lax.Precision.HIGHEST,  # TF32 or bfloat16 passes would lose the small cosines
        preferred_element_type=accumulator(leaf.dtype),
    )


def _leaf_on_cpu(leaf: jax.Array) -> jax.Array:
    """The same without the transposed copy of the whole leaf that XLA's CPU backend makes for such a product.

    For 30 million parameters on 2 cores 26 ms where the product takes 440 (K = 2), and 180 where it takes 810 (K = 8).
    """
    num_tasks = leaf.shape[0]
    if num_tasks <= FEW_TASKS:  # one fused pass; it reads the leaf K times
        wide = leaf.astype(accumulator(leaf.dtype))
        return jnp.sum(wide[:, None] * wide[None, :], axis=tuple(range(2, leaf.ndim + 1)))
    flat = leaf.reshape(num_tasks, -1)
    count = flat.shape[1] // CHUNK
    total = _leaf_gramian(flat[:, count * CHUNK :])

    if count == 0:
        return total

    def add(i, total):  # a chunk of all tasks stays in the cache while it is multiplied
        return total + _leaf_gramian(jax.lax.dynamic_slice_in_dim(flat, i * CHUNK, CHUNK, axis=1))

    return jax.lax.fori_loop(0, count, add, total)


def cosines(matrix: jax.Array) -> jax.Array:
    """The cosines between task gradients from their Gramian [K, K]; 0 where a gradient is zero."""
    norms = jnp.sqrt(jnp.diagonal(matrix))
    safe = jnp.where(norms > 0, norms, 1.0)
    return matrix / safe[:, None] / safe[None, :]


def conflicts(cosines: jax.Array) -> jax.Array:
    """How many pairs of tasks have a negative cosine, an int32 scalar, from their cosines [K, K]."""
    return jnp.sum(jnp.triu(cosines < 0, 1), dtype=jnp.int32)
