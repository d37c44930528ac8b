"""The K x K inner products of stacked task gradients."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from bilevel_jax.bilevel.trees import PyTree, accumulator, sum_of

FEW_TASKS = 4
CHUNK = 16384  # values of a task


def gramian(task_grads: PyTree) -> Float[Array, "k k"]:
    """The matrix <g_i, g_j> of task gradients.

    The sums are taken in float32 (float64 for float64 gradients) whatever the type of the gradients. The gradients are
    read leaf by leaf, so there is no concatenated copy, and sharded leaves stay where they are. (Leaves that are
    sharded over CPU devices do so for K <= 4; with more tasks they are gathered.)

    Args:
      task_grads: a pytree, every leaf [K, *shape].

    Raises:
      ValueError: the pytree has no leaves.
    """
    leaves = jax.tree.leaves(task_grads)
    if not leaves:
        raise ValueError("the task gradients have no leaves")
    return sum_of(jax.lax.platform_dependent(leaf, cpu=_leaf_on_cpu, default=_leaf_gramian) for leaf in leaves)


def _leaf_gramian(leaf: Float[Array, "k ..."]) -> Float[Array, "k k"]:
    axes = tuple(range(1, leaf.ndim))
    return jax.lax.dot_general(
        leaf,
        leaf,
        dimension_numbers=((axes, axes), ((), ())),
        precision=jax.lax.Precision.HIGHEST,  # TF32 or bfloat16 passes would lose the small cosines
        preferred_element_type=accumulator(leaf.dtype),
    )


def _leaf_on_cpu(leaf: Float[Array, "k ..."]) -> Float[Array, "k k"]:
    """The same without the transposed copy of the whole leaf that XLA's CPU backend makes for such a product."""
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


def cosines(matrix: Float[Array, "k k"]) -> Float[Array, "k k"]:
    """The cosines between task gradients from their Gramian; 0 where a gradient is zero."""
    norms = jnp.sqrt(jnp.diagonal(matrix))
    safe = jnp.where(norms > 0, norms, 1.0)
    return matrix / safe[:, None] / safe[None, :]


def conflicts(cosines: Float[Array, "k k"]) -> Int[Array, ""]:
    """The number of pairs of tasks with a negative cosine, int32."""
    return jnp.sum(jnp.triu(cosines < 0, 1), dtype=jnp.int32)
