"""Which leaves of the parameters all tasks share, and how a tree is taken apart and put together by them."""

import jax


def shared_mask(shared, tree):
    """The mask of shared parameters: given, made of the parameters by a function, or None for all of them."""
    if shared is None:
        return None
    return shared(tree) if callable(shared) else shared


def split_leaves(tree, mask):
    """(leaves to weigh, the other leaves, merge), in lists; the tree itself where there is no mask."""
    if mask is None:
        return tree, [], lambda weighed, heads: weighed
    leaves, structure = jax.tree.flatten(tree)
    chosen = jax.tree.leaves(mask)
    if len(chosen) != len(leaves):
        raise ValueError(f"the mask of shared parameters has {len(chosen)} leaves for {len(leaves)} parameters")

    def merge(weighed, heads):
        weighed, heads = iter(weighed), iter(heads)
        return structure.unflatten(next(weighed) if yes else next(heads) for yes in chosen)

    weighed = [leaf for leaf, yes in zip(leaves, chosen, strict=True) if yes]
    return weighed, [leaf for leaf, yes in zip(leaves, chosen, strict=True) if not yes], merge
