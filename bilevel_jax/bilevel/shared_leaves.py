"""Which leaves of the parameters all tasks share, and how a tree is taken apart and put together by them."""

from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

import jax
import numpy as np
from jaxtyping import Array

from bilevel_jax.bilevel.trees import PyTree

Mask = PyTree | None  # a pytree of bools like the parameters, or a prefix of one; None: all leaves are shared
# (leaves that were weighed, the other leaves) -> the whole tree
Merge = Callable[[PyTree, Sequence[Array]], PyTree]


def makes_masks(shared: PyTree | Callable[[PyTree], PyTree] | None) -> TypeGuard[Callable[[PyTree], PyTree]]:
    """Whether `shared` is a function that makes a mask; a module with `__call__` whose leaves are bools is a mask."""
    leaves = jax.tree.leaves(shared)
    return bool(leaves) and all(callable(leaf) for leaf in leaves)


def shared_mask(shared: PyTree | Callable[[PyTree], PyTree] | None, tree: PyTree) -> Mask:
    """The mask of shared parameters, which is given, made of the parameters by a function, or None for all of them."""
    return shared(tree) if makes_masks(shared) else shared


def split_leaves(tree: PyTree, mask: Mask) -> tuple[PyTree, list[Array], Merge]:
    """Takes a tree apart: (the shared leaves, the other leaves, a function that merges them again).

    Without a mask the shared part is the tree itself, else it is a list.

    Raises:
      ValueError: a path of the mask is none of the tree, a leaf of the tree has no bool in the mask, or a leaf of the
        mask is no bool.
    """
    if mask is None:
        return tree, [], lambda weighed, heads: weighed
    leaves, structure = jax.tree.flatten(tree)
    chosen = _bools(mask, tree)

    def merge(weighed, heads):
        next_weighed, next_head = iter(weighed), iter(heads)
        merged = [next(next_weighed) if yes else next(next_head) for yes in chosen]
        return jax.tree.unflatten(structure, merged)

    weighed = [leaf for leaf, yes in zip(leaves, chosen, strict=True) if yes]
    return weighed, [leaf for leaf, yes in zip(leaves, chosen, strict=True) if not yes], merge


def _bools(mask: Mask, tree: PyTree) -> list[bool]:
    """One bool for each leaf of the tree, found by path: dicts, FrozenDicts and modules of the same names are alike."""
    found = {_names(path): _bool(path, leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(mask)}
    used, chosen = set(), []
    for path, _ in jax.tree_util.tree_leaves_with_path(tree):
        names = _names(path)
        prefix = next((names[:length] for length in range(len(names) + 1) if names[:length] in found), None)
        if prefix is None:
            raise ValueError(f"shared= has no True or False for {_text(names)}: it has them for {_listed(found)}")
        used.add(prefix)
        chosen.append(found[prefix])
    unused = [names for names in found if names not in used and not _is_empty(tree, names)]
    if unused:
        raise ValueError(f"shared= has {_listed(unused)}, which no parameter has: correct the name")
    return chosen


def _names(path: tuple[Any, ...]) -> tuple[str, ...]:
    """A path as names: a key of a dict and an attribute of a module of the same name are the same."""
    return tuple(str(getattr(entry, "key", getattr(entry, "name", getattr(entry, "idx", entry)))) for entry in path)


def _bool(path: tuple[Any, ...], leaf: PyTree) -> bool:
    if isinstance(leaf, jax.core.Tracer) or np.ndim(leaf) != 0 or np.asarray(leaf).dtype != bool:
        raise ValueError(f"shared= has {leaf!r} at {_text(_names(path))}: expected True or False, known before jit")
    return bool(leaf)


def _is_empty(tree: PyTree, names: tuple[str, ...]) -> bool:
    """Whether the tree has a node without leaves at a path, which a mask may name."""
    nodes = [(path, leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree, is_leaf=_childless)]
    return any(_names(path)[: len(names)] == names for path, _ in nodes)


def _childless(node: PyTree) -> bool:
    return not jax.tree.leaves(node)


def _text(names: tuple[str, ...]) -> str:
    return repr("/".join(names)) if names else "the whole tree"


def _listed(paths: Any) -> str:
    return ", ".join(sorted(_text(names) for names in paths)[:5])
