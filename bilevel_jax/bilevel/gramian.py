"""The K x K inner products of stacked task gradients."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from bilevel_jax.bilevel.trees import PyTree, accumulator, column, sum_of

FEW_TASKS = 4
CHUNK = 16384  # values of a task
# Squared lengths between which neither these sums nor what a weighting makes of them leaves the range of float32.
LEAST, MOST = 2.0**-80, 2.0**100


def gramian(task_grads: PyTree) -> Float[Array, "k k"]:
    """The matrix <g_i, g_j> of task gradients.

    The sums are taken in float32 (float64 for float64 gradients) whatever the type of the gradients. The gradients are
    read leaf by leaf, so there is no concatenated copy, and sharded leaves stay where they are, whether the
    mesh has Auto or Explicit axes. (Leaves that are sharded over CPU devices by Auto axes do so for K <= 4; with more
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
    peaks = [jnp.max(jnp.abs(leaf), axis=tuple(range(1, leaf.ndim)), initial=0.0) for leaf in wide]
    largest = jax.lax.stop_gradient(jnp.max(jnp.stack(peaks), axis=0))
    usable = (largest > 0) & jnp.isfinite(largest)
    exponents = jnp.where(usable, jnp.frexp(jnp.where(usable, largest, 1.0))[1], -1000).astype(jnp.int32)
    top = jnp.max(exponents)
    top = jnp.where(jnp.any(usable), top, 0)
    # Two factors, because one may be out of range: each gradient gets length near 1, then its place below the longest.
    own = jnp.ldexp(jnp.ones_like(largest), jnp.where(usable, -exponents, 0))
    place = jnp.ldexp(jnp.ones_like(largest), jnp.where(usable, jnp.maximum(exponents - top, -60), 0))
    scaled = [leaf * column(own, leaf) for leaf in wide]
    matrix = sum_of(_by_rows(leaf) for leaf in scaled)
    return matrix * place[:, None] * place[None, :], top


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


def _of_leaf(leaf: Float[Array, "k ..."]) -> Float[Array, "k k"]:
    if _explicit(leaf):
        return _by_rows(leaf)
    return jax.lax.platform_dependent(leaf, cpu=_leaf_on_cpu, default=_leaf_gramian)


def _explicit(leaf: Array) -> bool:
    """Whether an array is split over Explicit axes of a mesh, whose sums a matrix product must not leave open."""
    sharding = getattr(jax.typeof(leaf), "sharding", None)
    return sharding is not None and any(axes is not None for axes in sharding.spec)


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
