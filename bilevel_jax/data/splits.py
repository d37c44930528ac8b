"""Disjoint parts of one list: inner and outer pairs of the training list, and blocks that are held out of it."""

import math
from collections.abc import Sequence

import numpy as np

from bilevel_jax.errors import InputError, first_few


def alternate_blocks(num: int, block: int = 20, groups: Sequence[str] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Splits `num` items into (inner, outer) indices, int64 and ascending, by turns of consecutive items.

    Neighbouring frames of a recording are near-duplicates: dealt out one by one they would put the same scene on both
    sides, and one cut in the middle would set day against night. So each group (day, night) is cut by itself into an
    even number of equal runs of about `block` items, which go to the inner and the outer part by turns; an even number
    of runs gives both parts the same share of every group. A group of one item goes to the smaller part.

    Args:
        num: number of items, at least 2, in the order of recording.
        block: wished length of a run; runs are never shorter than half of it unless the group is shorter than `block`.
        groups: one name per item, or None for a single group.

    Raises:
        InputError: fewer than 2 items, or a block below 1.
    """
    if num < 2:
        raise InputError(f"the training list has {num} item(s), expected at least 2 (one inner, one outer).")
    if block < 1:
        raise InputError(f"the block length of the inner/outer split is {block}, expected at least 1.")
    if groups is not None and len(groups) != num:
        raise ValueError(f"{len(groups)} groups for {num} items")
    names = np.zeros(num, np.int64) if groups is None else np.asarray(groups)
    parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for name in dict.fromkeys(names.tolist()):
        members = np.flatnonzero(names == name)
        smaller = int(sum(map(len, parts[1])) < sum(map(len, parts[0])))
        if len(members) == 1:
            parts[smaller].append(members)
            continue
        pairs = max(1, round(len(members) / (2 * block)))
        for turn, run in enumerate(np.array_split(members, 2 * pairs)):
            parts[(turn + smaller) % 2].append(run)
    inner, outer = (np.sort(np.concatenate(part)) for part in parts)
    return inner, outer


def check_disjoint(inner: Sequence[int], outer: Sequence[int], names: Sequence[str] | None = None) -> None:
    """Raises InputError, naming up to three of the items, where the inner and the outer part share any or one is empty.

    Args:
        inner: indices of the inner part.
        outer: indices of the outer part.
        names: the source's names, for the message.
    """
    for part, indices in (("inner", inner), ("outer", outer)):
        if len(indices) == 0:
            raise InputError(f"the {part} part of the training list is empty, expected at least 1 item.")
    shared = np.intersect1d(np.asarray(inner), np.asarray(outer))
    if len(shared):
        some = first_few(names[i] if names is not None else str(i) for i in shared)
        raise InputError(
            f"the inner and the outer part of the training list share {len(shared)} item(s) ({some}), "
            "expected disjoint parts."
        )


def hold_out_blocks(
    num: int, share: float = 0.2, block: int = 100, seed: int = 0, groups: Sequence[str] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Splits `num` items into (kept, held out) indices, int64 and ascending, by contiguous blocks drawn by `seed`.

    There are at least five blocks (as far as there are items), so that about `share` can be held out of a short list.
    Each group (day, night) is split by itself, so that both parts have the same share of it. A group of one item is
    kept; where there are only such groups they are split as one.

    Args:
        num: number of items, at least 2, in the order of recording.
        share: of the items that is held out, in (0, 1); at least one block is, and one is kept.
        block: wished length of a block.
        seed: which blocks.
        groups: one name per item, or None for a single group.

    Raises:
        InputError: fewer than 2 items.
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


def _drawn_blocks(members: np.ndarray, share: float, block: int, seed: int) -> np.ndarray:
    least = max(5, math.ceil(1 / share - 1e-9))
    blocks = np.array_split(members, min(len(members), max(least, round(len(members) / block))))
    count = min(max(1, round(share * len(blocks))), len(blocks) - 1)
    drawn = np.random.default_rng(seed).choice(len(blocks), count, replace=False)
    return np.concatenate([blocks[i] for i in drawn])
