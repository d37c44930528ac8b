"""The K x K inner products of stacked task gradients."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from bilevel_jax.bilevel.block_sums import SMALL, split_explicitly, sums_in_blocks
from bilevel_jax.bilevel.trees import PyTree, accumulator, column, sum_of

FEW_TASKS = 4
CHUNK = 16384  # values of a task
# Squared lengths between which neither these sums nor what a weighting makes of them leaves the range of float32.
LEAST, MOST = 2.0**-80, 2.0**100


def gramian(task_grads: PyTree) -> Float[Array, "k k"]:
    """The matrix <g_i, g_j> of task gradients.

    The sums are taken in float32 (float64 for float64 gradients) whatever the type of the gradients. The gradients are
    read leaf by leaf, so there is no concatenated copy, and sharded leaves stay where they are, whether the
    mesh has Auto or Explicit axes. (Leaves that Auto axes split over CPU devices do so for K <= 4; with more
    tasks they are gathered.) Complex leaves count as their real and imaginary parts: the entries are Re <g_i, g_j>.

    Args:
      task_grads: a pytree, every leaf [K, *shape].

    Raises:
      ValueError: the pytree has no leaves.
    """
    leaves = jax.tree.leaves(task_grads)
    if not leaves:
        raise ValueError("the task gradients have no leaves")
    return sum_of(_of_leaf(leaf) for leaf in jax.tree.leaves(real_parts(leaves)))


def scaled_gramian(task_grads: PyTree) -> tuple[Float[Array, "k k"], Int[Array, ""]]:
    """(matrix, e) with <g_i, g_j> = matrix 4^e, where no square of a gradient's length overflows or underflows.

    e is 0 for gradients of usual lengths, for which the matrix is that of `gramian`. Otherwise every gradient is
    multiplied by a power of two first, which is exact; this takes two more passes over the gradients.

    Args:
      task_grads: a pytree, every leaf [K, *shape]; lengths from 1e-35 to 1e35.
    """
    matrix = gramian(task_grads)
    squares = jnp.diagonal(matrix)
    if squares.dtype == jnp.float64:
        exponent = jnp.frexp(jnp.sqrt(jnp.max(squares)))[1].astype(jnp.int32)
        exponent = jax.lax.stop_gradient(jnp.where(jnp.isfinite(jnp.max(squares)), exponent, 0))
        factor = jnp.ldexp(jnp.ones((), matrix.dtype), -2 * exponent)
        return matrix * factor, exponent
    usual = jnp.all((squares == 0) | ((squares > LEAST) & (squares < MOST))) & (jnp.max(squares) > LEAST)
    return jax.lax.cond(usual, lambda: (matrix, jnp.zeros((), jnp.int32)), lambda: _of_scaled_gradients(task_grads))


def _of_scaled_gradients(task_grads: PyTree) -> tuple[Float[Array, "k k"], Int[Array, ""]]:
    leaves = jax.tree.leaves(real_parts(task_grads))
    wide = [leaf.astype(accumulator(leaf.dtype)) for leaf in leaves]
    largest = jax.lax.stop_gradient(jnp.max(jnp.stack([_peaks(leaf) for leaf in wide]), axis=0))
    usable = (largest > 0) & jnp.isfinite(largest)
    exponents = jnp.where(usable, jnp.frexp(jnp.where(usable, largest, 1.0))[1], -1000).astype(jnp.int32)
    top = jnp.max(exponents)
    top = jnp.where(jnp.any(usable), top, 0)
    # Two factors, because one may be out of range: each gradient gets length near 1, then its place below the longest.
    own = jnp.ldexp(jnp.ones_like(largest), jnp.where(usable, -exponents, 0))
    place = jnp.ldexp(jnp.ones_like(largest), jnp.where(usable, jnp.maximum(exponents - top, -60), 0))
    matrix = sum_of(_of_leaf(leaf, own) for leaf in wide)
    return matrix * place[:, None] * place[None, :], top


def _peaks(leaf: Float[Array, "k ..."]) -> Float[Array, " k"]:
    """The largest absolute value of each task, without an array of absolute values."""
    axes = tuple(range(1, leaf.ndim))
    return jnp.maximum(jnp.max(leaf, axis=axes, initial=0.0), -jnp.min(leaf, axis=axes, initial=0.0))


def real_parts(tree: PyTree, axis: int = 1) -> PyTree:
    """The tree with each complex leaf as its real and imaginary parts, stacked on a new axis."""

    def parts(leaf):
        return jnp.stack([leaf.real, leaf.imag], axis=axis) if jnp.iscomplexobj(leaf) else leaf

    return jax.tree.map(parts, tree)


def complex_again(tree: PyTree, like: PyTree, axis: int = 0) -> PyTree:
    """The inverse of `real_parts` for leaves whose counterparts in `like` are complex."""

    def whole(leaf, original):
        if not jnp.iscomplexobj(original):
            return leaf
        real, imaginary = jnp.moveaxis(leaf, axis, 0)
        return jax.lax.complex(real, imaginary).astype(original.dtype)

    return jax.tree.map(whole, tree, like)


def _of_leaf(leaf: Float[Array, "k ..."], factors: Float[Array, " k"] | None = None) -> Float[Array, "k k"]:
    """The Gramian of one leaf, of which the row of each task is multiplied by its factor."""

    def rows(leaf):
        wide = leaf.astype(accumulator(leaf.dtype))
        return wide if factors is None else wide * column(factors, wide)

    if split_explicitly(leaf):
        return _by_rows(rows(leaf))
    # A product of matrices would need a copy of the multiplied leaf.
    other = _leaf_gramian if factors is None else lambda leaf: _by_rows(rows(leaf))
    return jax.lax.platform_dependent(leaf, cpu=lambda leaf: _leaf_on_cpu(leaf, rows), default=other)


def _by_rows(leaf: Float[Array, "k ..."]) -> Float[Array, "k k"]:
    """The same by sums alone: they stay on the devices that hold the parts of a leaf."""
    wide = leaf.astype(accumulator(leaf.dtype))
    return jnp.stack([jnp.sum(wide * row[None], axis=tuple(range(1, leaf.ndim))) for row in wide])


def _leaf_gramian(leaf: Float[Array, "k ..."]) -> Float[Array, "k k"]:
    axes = tuple(range(1, leaf.ndim))
    return jax.lax.dot_general(
        leaf,
        leaf,
        dimension_numbers=((axes, axes), ((), ())),
        precision=jax.lax.Precision.HIGHEST,  # TF32 or bfloat16 passes would lose the small cosines
        preferred_element_type=accumulator(leaf.dtype),
    )


def _leaf_on_cpu(leaf: Float[Array, "k ..."], rows: Callable[[Array], Array]) -> Float[Array, "k k"]:
    """The same without the copies of the whole leaf that XLA's CPU backend makes for such a product."""
    num_tasks = leaf.shape[0]
    if num_tasks <= FEW_TASKS:
        return _by_pairs(leaf, rows)
    flat = leaf.reshape(num_tasks, -1)
    count = flat.shape[1] // CHUNK
    total = _leaf_gramian(rows(flat[:, count * CHUNK :]))

    if count == 0:
        return total

    def add(i, total):  # a chunk of all tasks stays in the cache while it is multiplied
        return total + _leaf_gramian(rows(jax.lax.dynamic_slice_in_dim(flat, i * CHUNK, CHUNK, axis=1)))

    return jax.lax.fori_loop(0, count, add, total)


def _by_pairs(leaf: Float[Array, "k ..."], rows: Callable[[Array], Array]) -> Float[Array, "k k"]:
    """The same by one sum for each pair of tasks."""
    num_tasks = leaf.shape[0]
    if leaf[0].size < SMALL:
        wide = rows(leaf)
        return jnp.sum(wide[:, None] * wide[None, :], axis=tuple(range(2, leaf.ndim + 1)))
    first, second = np.triu_indices(num_tasks)

    def products(leaf):
        wide = rows(leaf)
        return [wide[i] * wide[j] for i, j in zip(first, second, strict=True)]

    half = jnp.stack(sums_in_blocks(products, leaf))
    return jnp.zeros((num_tasks, num_tasks), half.dtype).at[first, second].set(half).at[second, first].set(half)


def cosines(matrix: Float[Array, "k k"]) -> Float[Array, "k k"]:
    """The cosines between task gradients from their Gramian; 0 where a gradient is zero."""
    norms = jnp.sqrt(jnp.diagonal(matrix))
    safe = jnp.where(norms > 0, norms, 1.0)
    return matrix / safe[:, None] / safe[None, :]


def conflicts(cosines: Float[Array, "k k"]) -> Int[Array, ""]:
    """The number of pairs of tasks with a negative cosine, int32."""
    return jnp.sum(jnp.triu(cosines < 0, 1), dtype=jnp.int32)
