"""Contiguous blocks that are held out of a list of pairs, for a test or for choosing weights."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from bilevel_jax.errors import InputError

Indices = Int64[np.ndarray, " n"]


def hold_out_blocks(
    num: int, share: float = 0.2, block: int = 100, seed: int = 0, groups: Sequence[str] | None = None
) -> tuple[Indices, Indices]:
    """Draws contiguous blocks of a list and holds them out.

    Neighbouring frames of a recording are near-duplicates. If single frames were drawn, the same scene would stand on
    both sides. There are at least five blocks (as far as there are pairs), so that about `share` can be held out of a
    short list. Each group (day, night) is split by itself, so that both sides have the same share of it. A group of one
    pair is kept; if all groups are so small, the list is split as one group.

    Args:
        num: number of pairs, at least 2, in the order of recording.
        share: of the pairs that is held out, in (0, 1); at least one block is, and one is kept.
        block: wished length of a block.
        seed: draws the blocks.
        groups: one name per pair, or None for a single group.

    Returns:
        The indices that are kept and those that are held out, both ascending.

    Raises:
        InputError: there are fewer than 2 pairs.
    """
    if num < 2:
        raise InputError(f"there are {num} pair(s) to split, expected at least 2 (one to train on, one held out).")
    if groups is not None and len(groups) != num:
        raise ValueError(f"{len(groups)} groups for {num} items")
    names = np.zeros(num, np.int64) if groups is None else np.asarray(groups)
    members = [np.flatnonzero(names == name) for name in dict.fromkeys(names.tolist())]
    members = [own for own in members if len(own) > 1] or [np.arange(num)]
    held_out = np.sort(np.concatenate([_drawn_blocks(own, share, block, seed) for own in members]))
    return np.setdiff1d(np.arange(num), held_out), held_out


def _drawn_blocks(members: Indices, share: float, block: int, seed: int) -> Indices:
    least = max(5, math.ceil(1 / share - 1e-9))
    blocks = np.array_split(members, min(len(members), max(least, round(len(members) / block))))
    count = min(max(1, round(share * len(blocks))), len(blocks) - 1)
    drawn = np.random.default_rng(seed).choice(len(blocks), count, replace=False)
    return np.concatenate([blocks[i] for i in drawn])
