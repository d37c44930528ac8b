"""Chooses the pairs of images that people compare: evenly over the sets and over day and night, or by their names."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bilevel_jax.errors import InputError, first_few, nearest
from bilevel_jax.evaluation.appearance.pair_set import PairSet

LIGHTS = ("day", "night")
Group = tuple[int, str]  # the place of a set, and "day" or "night"


def spread_pairs(sets: Sequence[PairSet], count: int, seed: int = 0) -> list[PairSet]:
    """The sets with the chosen pairs alone: an equal share for each set, and half of it by day and half by night.

    A set or a light with too few pairs gives all that it has, and the others give more. The pairs of one set and light
    have equal distances, so that few neighbouring frames are chosen; the seed says where the first one lies.

    Args:
        sets: what to choose from.
        count: pairs in all.
        seed: of the random numbers.

    Returns:
        The sets that give a pair, by day first. Their `groups` are "day" or "night".

    Raises:
        InputError: the sets have fewer pairs than `count`, or `count` is below 1.
    """
    total = sum(len(pairs.names) for pairs in sets)
    if not 1 <= count <= total:
        raise InputError(f"--pairs={count}, and --data has {total:,} pairs; expected 1 to {total}.")
    rng = np.random.default_rng(seed)
    sets = [pairs._replace(groups=pairs.lights()) for pairs in sets]
    groups = {
        (number, light): [place for place, own in enumerate(pairs.lights()) if own == light]
        for number, pairs in enumerate(sets)
        for light in LIGHTS
    }
    shares = _shares({group: len(places) for group, places in groups.items()}, count)
    chosen: list[list[int]] = [[] for _ in sets]
    for (number, light), share in shares.items():
        places = groups[number, light]
        steps = (np.arange(share) + rng.random()) * (len(places) / max(share, 1))
        chosen[number] += [places[int(step)] for step in steps]
    return _only(sets, chosen)


def named_pairs(sets: Sequence[PairSet], path: str | Path) -> list[PairSet]:
    """The sets with the pairs alone that a text file names, one SET/NAME a line; an empty line is skipped.

    Raises:
        InputError: the file cannot be read or names nothing, a set has no pair of a name, or a line is there twice.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--names={path} cannot be read: {error}.") from error
    known = {f"{own.name}/{name}": (n, i) for n, own in enumerate(sets) for i, name in enumerate(own.names)}
    seen: dict[str, int] = {}
    for number, text in enumerate((line.strip() for line in lines), 1):
        if text and text not in known:
            expected = f"SET/NAME of a pair of --data, such as {first_few(known, 1)}{nearest(text, known)}"
            raise InputError(f"{path}, line {number} has {text!r}; expected {expected}")
        if text in seen:
            raise InputError(f"{path}, line {number} repeats {text!r} of line {seen[text]}; expected each pair once.")
        if text:
            seen[text] = number
    if not seen:
        raise InputError(f"--names={path} names no pair; expected one SET/NAME a line.")
    chosen: list[list[int]] = [[] for _ in sets]
    for text in seen:
        chosen[known[text][0]].append(known[text][1])
    return _only(sets, [sorted(places) for places in chosen])


def _shares(sizes: Mapping[Group, int], count: int) -> dict[Group, int]:
    """How many pairs each group gives; one after the other goes to the set, and in it to the light, with the fewest."""
    shares = dict.fromkeys(sizes, 0)
    for _ in range(count):
        of_set, of_light = (
            {part: sum(n for group, n in shares.items() if group[axis] == part) for part in {g[axis] for g in sizes}}
            for axis in (0, 1)
        )
        open_groups = [group for group, size in sizes.items() if shares[group] < size]
        shares[min(open_groups, key=lambda g: (of_set[g[0]], shares[g], of_light[g[1]]))] += 1
    return shares


def _only(sets: Sequence[PairSet], chosen: Sequence[Sequence[int]]) -> list[PairSet]:
    found = []
    for pairs, places in zip(sets, chosen, strict=True):
        if places:
            own = _at(pairs, places)
            lights = own.lights()
            order = sorted(range(len(places)), key=lambda i: LIGHTS.index(lights[i]))
            found.append(_at(own._replace(groups=lights), order))
    return found


def _at(pairs: PairSet, places: Sequence[int]) -> PairSet:
    names = [pairs.names[place] for place in places]
    groups = None if pairs.groups is None else [pairs.groups[place] for place in places]
    return PairSet(pairs.name, names, lambda index: pairs.read(places[index]), groups)
