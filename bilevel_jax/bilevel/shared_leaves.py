"""Which leaves of the parameters all tasks share, and how a tree is taken apart and put together by them."""

from collections.abc import Callable, Sequence

import jax
from jaxtyping import Array

from bilevel_jax.bilevel.trees import PyTree

Mask = PyTree | None  # a pytree of bools like the parameters; None: all leaves are shared
# (leaves that were weighed, the other leaves) -> the whole tree
Merge = Callable[[PyTree, Sequence[Array]], PyTree]


def shared_mask(shared: PyTree | Callable[[PyTree], PyTree] | None, tree: PyTree) -> Mask:
    """The mask of shared parameters, which is given, made of the parameters by a function, or None for all of them."""
    if shared is None:
        return None
    return shared(tree) if callable(shared) else shared


def split_leaves(tree: PyTree, mask: Mask) -> tuple[PyTree, list[Array], Merge]:
    """Takes a tree apart: (the shared leaves, the other leaves, a function that merges them again).

    Without a mask the shared part is the tree itself, else it is a list.

    Raises:
      ValueError: the mask has another number of leaves than the tree.
    """
    if mask is None:
        return tree, [], lambda weighed, heads: weighed
    leaves, structure = jax.tree.flatten(tree)
    chosen = jax.tree.leaves(mask)
    if len(chosen) != len(leaves):
        raise ValueError(f"the mask of shared parameters has {len(chosen)} leaves for {len(leaves)} parameters")

    def merge(weighed, heads):
        next_weighed, next_head = iter(weighed), iter(heads)
        merged = [next(next_weighed) if yes else next(next_head) for yes in chosen]
        return jax.tree.unflatten(structure, merged)

    weighed = [leaf for leaf, yes in zip(leaves, chosen, strict=True) if yes]
    return weighed, [leaf for leaf, yes in zip(leaves, chosen, strict=True) if not yes], merge
