"""Linear algebra on pytrees, on one device or over a mapped axis; inner products accumulate in float32 or wider."""

from collections.abc import Iterable
from typing import Any, cast

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Shaped

PyTree = Any  # any nesting of dicts, lists and tuples of arrays, such as the parameters of a network


def accumulator(dtype: DTypeLike) -> jnp.dtype:
    """The type that sums over `dtype` are taken in: float32, or float64 where the values are float64."""
    return at_least(dtype, jnp.float32)


def at_least(dtype: DTypeLike, least: DTypeLike) -> jnp.dtype:
    """The narrowest type that holds both, also where jax refuses to mix types (`jax_numpy_dtype_promotion`)."""
    with jax.numpy_dtype_promotion("standard"):
        return jnp.promote_types(dtype, least)


def times(a: Array, factor: Float[Array, "..."]) -> Array:
    """The product in the type of `a`."""
    return a * factor.astype(a.dtype)


def vdot(a: PyTree, b: PyTree) -> Float[Array, ""]:
    """The inner product of two pytrees of real arrays of equal shapes, a scalar in float32 or wider."""
    # Multiply and sum, not a dot: a dot may run in TF32 or bfloat16 passes on an accelerator.
    products = jax.tree.map(lambda x, y: jnp.sum(x.astype(accumulator(x.dtype)) * y.astype(accumulator(y.dtype))), a, b)
    return sum(jax.tree.leaves(products), start=jnp.zeros((), jnp.float32))


def sum_of(arrays: Iterable[Array]) -> Array:
    """The sum of one or more arrays of equal shapes, in their order."""
    return cast(Array, sum(arrays))


def norm(a: PyTree) -> Float[Array, ""]:
    """The Euclidean norm of a pytree, a scalar in float32 or wider."""
    return jnp.sqrt(vdot(a, a))


def add_scaled(a: PyTree, scale: Float[Array, ""] | float, b: PyTree) -> PyTree:
    """Returns a + scale * b leaf by leaf, in the types of `a`."""
    return jax.tree.map(lambda x, y: (x + scale * y).astype(x.dtype), a, b)


def scaled(scale: Float[Array, ""] | float, a: PyTree) -> PyTree:
    """Returns scale * a leaf by leaf, in the types of `a`."""
    return jax.tree.map(lambda x: (scale * x).astype(x.dtype), a)


def wide_zeros(a: PyTree) -> PyTree:
    """Zeros in float32 or wider, split over devices as the leaves are."""
    return jax.tree.map(lambda x: jnp.zeros_like(x, accumulator(jnp.result_type(x))), a)


def stacked(trees: list[PyTree]) -> PyTree:
    """Stacks equal pytrees on a new leading axis of every leaf."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def weighted_sum(weights: Float[Array, " k"], stack: PyTree) -> PyTree:
    """The weighted sum over the leading axis, [K] and [K, *shape] -> [*shape], accumulated in float32 or wider."""

    def leaf(g):
        # A sum of K products fuses into one pass. A matrix product or a reduction over axis 0 copies the whole stack.
        wide = accumulator(g.dtype)
        return sum(weights[k].astype(wide) * g[k].astype(wide) for k in range(g.shape[0])).astype(g.dtype)

    return jax.tree.map(leaf, stack)


def column(values: Shaped[Array, " k"], leaf: Array) -> Shaped[Array, "k ..."]:
    """The values, one for each slice of a leaf along its leading axis, in a shape that multiplies the leaf."""
    return jnp.reshape(values, (-1,) + (1,) * (leaf.ndim - 1))


def mean(tree: PyTree, axis_name: str | None) -> PyTree:
    """The mean over a mapped axis; the tree itself where `axis_name` is None."""
    return tree if axis_name is None else jax.lax.pmean(per_device(tree, axis_name), axis_name)


def total(tree: PyTree, axis_name: str | None) -> PyTree:
    """The sum over a mapped axis; the tree itself where `axis_name` is None."""
    return tree if axis_name is None else jax.lax.psum(per_device(tree, axis_name), axis_name)


def varying_axes(tree: PyTree) -> set[str]:
    """The mapped axes of `shard_map` between whose devices any leaf differs."""
    return {axis for leaf in jax.tree.leaves(tree) for axis in getattr(jax.typeof(leaf), "vma", ())}


def per_device(tree: PyTree, axis_name: str | None) -> PyTree:
    """Marks replicated arrays as each device's own, so that a gradient with respect to them is the device's own too.

    Inside `shard_map` the transpose of using a replicated array is a sum over devices. Without this mark `jax.grad`
    returns that sum, and a mean taken afterwards is too large by the number of devices. Does nothing elsewhere.
    """
    if axis_name is None:
        return tree

    def mark(leaf):
        if axis_name in getattr(jax.typeof(leaf), "vma", ()):
            return leaf
        try:
            return jax.lax.pcast(leaf, axis_name, to="varying")
        except ValueError:  # the axis is one of vmap, where nothing has to be marked
            return leaf

    return jax.tree.map(mark, tree)
