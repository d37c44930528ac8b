"""Gradient accumulation: a batch is taken in equal parts, one after another, to save memory."""

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array

from bilevel_jax.bilevel.trees import PyTree

T = TypeVar("T")


def mean_over_parts(count: int, compute: Callable[..., T], *batches: PyTree) -> T:
    """Returns the mean of `compute(*parts)` over `count` equal parts of the batches.

    A part takes every `count`-th example, so that a batch that is split over devices stays where it is. Means and
    inner products inside `compute` are those of one part. A loss that averages over labelled pixels, and the
    hypergradient's rho, therefore come near to those of the whole batch but are not equal to them.

    Args:
        count: the number of parts; it divides the batch size.
        compute: takes one part of each batch and returns a pytree of arrays. Of whole numbers, such as random keys,
            which have no mean, it returns those of the last part.
        *batches: pytrees of arrays with a leading axis of examples.
    """
    if count == 1:
        return compute(*batches)
    total: T | None = None
    for number in range(count):
        parts = jax.tree.map(lambda leaf, i=number: leaf.reshape(-1, count, *leaf.shape[1:])[:, i], batches)
        if total is not None:
            # Without the barrier the compiler may run two parts at once, and there is memory for one alone.
            parts, total = jax.lax.optimization_barrier((parts, total))
        found = compute(*parts)
        total = found if total is None else jax.tree.map(_added, total, found)
    return jax.tree.map(lambda leaf: leaf / count if _has_mean(leaf) else leaf, total)


def _has_mean(leaf: Array) -> bool:
    return bool(jnp.issubdtype(leaf.dtype, jnp.inexact))


def _added(total: Array, found: Array) -> Array:
    return total + found if _has_mean(found) else found
