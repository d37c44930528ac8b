"""The key of the sheets: which sheet shows which pair, and which method is A and which is B."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np

from bilevel_jax.atomic import write_json
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.appearance.pair_set import PairSet

FOLDER, FILE = "key", "key.json"


class Pair(NamedTuple):
    """One pair of images.

    Attributes:
        set_name: of its set.
        name: of the pair in the set.
        light: "day" or "night".
    """

    set_name: str
    name: str
    light: str


class Sheet(NamedTuple):
    """One comparison.

    Attributes:
        pair: place of its pair in `Key.pairs`.
        a, b: the methods of the left and of the right picture. One of them is `Key.ours`.
    """

    pair: int
    a: str
    b: str


class Key(NamedTuple):
    """What the sheets show.

    Attributes:
        ours: the method that is compared with the others.
        against: the others, its rivals.
        pairs: the pairs of images, set after set.
        sheets: number of a sheet, such as "007", -> what it shows; in the order of the numbers.
    """

    ours: str
    against: tuple[str, ...]
    pairs: tuple[Pair, ...]
    sheets: dict[str, Sheet]


class SheetFile(TypedDict):
    """One sheet of key.json."""

    pair: int
    A: str
    B: str


class KeyFile(TypedDict):
    """The content of key.json."""

    ours: str
    against: list[str]
    pairs: list[dict[str, str]]
    sheets: dict[str, SheetFile]


def make_key(sets: Sequence[PairSet], ours: str, against: Sequence[str], seed: int = 0) -> Key:
    """Draws the order of the sheets and the sides of the pictures.

    Every pair meets every rival once. The sheets come in as many rounds as there are rivals. Each round has every pair
    once, and all rounds have one random order. So two sheets of one pair are never close to each other: a person who
    remembered the picture that both share would know which one is `ours`. Which rival a pair meets in a round is
    random. Of every two neighbouring pairs, `ours` is A in one and B in the other, for each rival.

    Args:
        sets: the chosen pairs; `groups` says day or night of each.
        ours: name of the method that is compared with the others.
        against: names of the others.
        seed: of the random numbers.
    """
    pairs = tuple(
        Pair(own.name, name, light) for own in sets for name, light in zip(own.names, own.lights(), strict=True)
    )
    rng, number = np.random.default_rng(seed), len(pairs)
    is_a = [np.concatenate([rng.permutation(2) for _ in range(0, number, 2)]) for _ in against]
    rounds = [rng.permutation(len(against)) for _ in pairs]
    order = [int(pair) for pair in rng.permutation(number)]
    shown = [(pair, int(rounds[pair][turn])) for turn in range(len(against)) for pair in order]
    digits = max(3, len(str(len(shown))))
    sheets = {
        f"{i:0{digits}d}": Sheet(pair, *((ours, against[rival]) if is_a[rival][pair] else (against[rival], ours)))
        for i, (pair, rival) in enumerate(shown, 1)
    }
    return Key(ours, tuple(against), pairs, sheets)


def write_key(folder: str | os.PathLike, key: Key) -> None:
    """Writes FOLDER/key/key.json. The subfolder of its own keeps it out of sight of those who look at the sheets.

    Raises:
        InputError: the file cannot be written.
    """
    content: KeyFile = {
        "ours": key.ours,
        "against": list(key.against),
        "pairs": [pair._asdict() for pair in key.pairs],
        "sheets": {number: {"pair": own.pair, "A": own.a, "B": own.b} for number, own in key.sheets.items()},
    }
    write_json(Path(folder) / FOLDER / FILE, content)


def read_key(folder: str | os.PathLike) -> Key:
    """Reads FOLDER/key.json or FOLDER/key/key.json.

    Raises:
        InputError: there is no such file, or it is no key.
    """
    places = (Path(folder) / FILE, Path(folder) / FOLDER / FILE)
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise InputError(
            f"--key={folder} has no {FILE}; expected the --out of evaluate.py eyes, or its folder {FOLDER}."
        )
    try:
        content: KeyFile = json.loads(path.read_text(encoding="utf-8"))
        sheets = {number: Sheet(own["pair"], own["A"], own["B"]) for number, own in content["sheets"].items()}
        return Key(content["ours"], tuple(content["against"]), tuple(Pair(**own) for own in content["pairs"]), sheets)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is no key of sheets ({error}); expected the file of evaluate.py eyes.") from error
