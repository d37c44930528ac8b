"""The inner and the outer part of the training pairs, which have no pair in common."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from bilevel_jax.data.hold_out import Indices
from bilevel_jax.errors import InputError, first_few


def alternate_blocks(num: int, block: int = 20, groups: Sequence[str] | None = None) -> tuple[Indices, Indices]:
    """Deals runs of consecutive pairs out to the inner and the outer part by turns.

    Neighbouring frames of a recording are near-duplicates. If they were dealt out one by one, the same scene would
    stand on both sides; if the list were cut in the middle, day would stand against night. So each group (day, night)
    is cut by itself into an even number of equal runs, and both parts get the same share of every group. A group of one
    pair goes to the smaller part.

    Args:
        num: number of pairs, at least 2, in the order of recording.
        block: wished length of a run. A run is never shorter than half of it, unless its group is shorter than `block`.
        groups: one name per pair, or None for a single group.

    Returns:
        The indices of the inner and of the outer part, both ascending.

    Raises:
        InputError: there are fewer than 2 pairs, or `block` is below 1.
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


def deal_out(
    for_inner: Bool[np.ndarray, " n"],
    for_outer: Bool[np.ndarray, " n"],
    block: int = 20,
    groups: Sequence[str] | None = None,
) -> tuple[Indices, Indices]:
    """Deals pairs out to the inner and the outer part, each of which may take some pairs only.

    A pair that one part may take goes to it. `alternate_blocks` deals out the pairs that both may take. A pair that
    neither may take is left out.

    Args:
        for_inner: which pairs the inner part may take.
        for_outer: which pairs the outer part may take.
        block, groups: as in `alternate_blocks`.

    Returns:
        The indices of the inner and of the outer part, both ascending.

    Raises:
        InputError: as `alternate_blocks`, for the pairs that both parts may take.
    """
    shared = np.flatnonzero(for_inner & for_outer)
    dealt = np.zeros(0, np.int64), np.zeros(0, np.int64)
    if len(shared):
        dealt = alternate_blocks(len(shared), block, None if groups is None else [groups[i] for i in shared.tolist()])
    alone = np.flatnonzero(for_inner & ~for_outer), np.flatnonzero(for_outer & ~for_inner)
    inner, outer = (np.sort(np.concatenate([shared[own], one])) for own, one in zip(dealt, alone, strict=True))
    return inner, outer


def check_disjoint(
    inner: Sequence[int] | np.ndarray, outer: Sequence[int] | np.ndarray, names: Sequence[str] | None = None
) -> None:
    """Checks that the inner and the outer part are not empty and have no pair in common.

    Args:
        inner: indices of the inner part.
        outer: indices of the outer part.
        names: the source's names, for the message.

    Raises:
        InputError: a part is empty, or they share pairs; the message names up to three of them.
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
