"""What becomes of an update whose gradients or losses are not finite."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.trees import PyTree


def all_finite(gradients: PyTree, losses: Float[Array, " k"] | None, axis_name: str | None) -> Bool[Array, ""]:
    """Whether every number is finite, on every device of the mapped axis."""
    leaves = jax.tree.leaves((gradients, losses))
    bad = sum((jnp.sum(~jnp.isfinite(leaf), dtype=jnp.float32) for leaf in leaves), start=jnp.zeros((), jnp.float32))
    return trees.total(bad, axis_name) == 0


def chosen(condition: Bool[Array, ""], yes: PyTree, no: PyTree) -> PyTree:
    """One of two pytrees of equal shapes and types."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def unless_spoilt(new: PyTree, old: PyTree) -> PyTree:
    """The new state of a weighting, or the old one where a number that was finite no longer is.

    A NaN in one step then shows in that step's update, and in no later one.
    """
    pairs = list(zip(jax.tree.leaves(new), jax.tree.leaves(old), strict=True))
    floats = [(jnp.isfinite(a), jnp.isfinite(b)) for a, b in pairs if jnp.issubdtype(a.dtype, jnp.inexact)]
    if not floats:
        return new
    kept = jnp.stack([jnp.all(a | ~b) for a, b in floats])
    return chosen(jnp.all(kept), new, old)


def zeros_unless(condition: Bool[Array, ""], tree: PyTree) -> PyTree:
    """The pytree, or zeros where the condition is false, NaN or not."""
    return jax.tree.map(lambda leaf: jnp.where(condition, leaf, jnp.zeros((), leaf.dtype)), tree)
