"""How often people prefer one method to each of the others, with intervals."""

import itertools
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from bilevel_jax.atomic import finite_or_none, write_json, write_text
from bilevel_jax.evaluation.bootstrap import interval, resampled_blocks, resampled_means
from bilevel_jax.evaluation.eyes.answers import CHOICES, agreement
from bilevel_jax.evaluation.eyes.sheet_key import Key, Sheet
from bilevel_jax.report.text_table import format_table

ALL = "all pairs"
BLOCK = 2  # pairs that are drawn together: fewer than neighbouring frames, because chosen pairs lie far apart
LEAST_BLOCKS = 5  # with fewer, the samples are so alike that an interval would look far too narrow


class Preference(NamedTuple):
    """How often `ours` is preferred to one rival.

    Attributes:
        wins, losses, ties: answers for `ours`, for the rival, and for neither, of all people.
        value: (wins + ties / 2) / answers, in [0, 1].
        bounds: its 95 % interval; NaN where there are too few pairs.
    """

    wins: int
    losses: int
    ties: int
    value: float
    bounds: tuple[float, float]


class Agreement(NamedTuple):
    """How far two people agree.

    Attributes:
        files: of their answers.
        equal: share of equal answers, in [0, 1].
        kappa: Cohen's; NaN where it is undefined.
    """

    files: tuple[str, str]
    equal: float
    kappa: float


class Preferences(NamedTuple):
    """What the answers say.

    Attributes:
        ours: the method that is compared with the others.
        against: rival -> part of the pairs ("all pairs", "by day", "by night", the sets) -> preference.
        given: file of answers -> "A", "B" or "=" -> how often.
        agreement: of every two files.
    """

    ours: str
    against: dict[str, dict[str, Preference]]
    given: dict[str, dict[str, int]]
    agreement: tuple[Agreement, ...]


def preferences(key: Key, answers: Mapping[str, Mapping[str, str]]) -> Preferences:
    """What the answers of all people say about every rival.

    The interval is a bootstrap over blocks of 2 pairs, in the order of the key (set after set, day before night). A
    pair takes the answers of all people with it, because these are not independent. All rivals and parts share the
    blocks that are drawn; a sample without a pair of a part is left out of the interval of this part. A part with
    pairs in fewer than 5 blocks has no interval.

    Args:
        key: what the sheets show.
        answers: file -> number of a sheet -> "A", "B" or "=", for all sheets.
    """
    # One row a person: 1 = ours is better, 0 = the rival is better, 0.5 = neither.
    scores = np.full((len(answers), len(key.pairs), len(key.against)), np.nan)
    for person, given in enumerate(answers.values()):
        for number, sheet in key.sheets.items():
            rival = key.against.index(sheet.b if sheet.a == key.ours else sheet.a)
            scores[person, sheet.pair, rival] = _score(key, sheet, given[number])
    counts = resampled_blocks(len(key.pairs), BLOCK)
    parts = _parts(key)
    return Preferences(
        key.ours,
        {
            rival: {part: _preference(scores[..., column], inside, counts) for part, inside in parts.items()}
            for column, rival in enumerate(key.against)
        },
        {file: {choice: list(given.values()).count(choice) for choice in CHOICES} for file, given in answers.items()},
        tuple(
            Agreement((one, other), *agreement([*answers[one].values()], [*answers[other].values()]))
            for one, other in itertools.combinations(answers, 2)
        ),
    )


def preference_text(found: Preferences, markdown: bool = False) -> str:
    """Tables of the preferences, of what each person answered, and of how far they agree."""
    lines = [
        {
            "against": rival,
            "pairs": part,
            "wins": own.wins,
            "losses": own.losses,
            "ties": own.ties,
            "preferred %": _per_cent(own),
        }
        for rival, by_part in found.against.items()
        for part, own in by_part.items()
    ]
    parts = [
        f"Preference for {found.ours}, (wins + ties / 2) / answers in per cent, with the bootstrap 95 % interval over "
        f"blocks of {BLOCK} pairs (* excludes 50):",
        format_table(lines, markdown=markdown),
        "Answers given:",
        format_table([{"file": file, **given} for file, given in found.given.items()], markdown=markdown),
    ]
    if found.agreement:
        both = [{"files": " and ".join(own.files), "equal": own.equal, "kappa": own.kappa} for own in found.agreement]
        parts += ["Agreement, the share of equal answers and Cohen's kappa:", format_table(both, markdown=markdown)]
    return "\n\n".join(parts)


def write_preferences(folder: str | os.PathLike, found: Preferences) -> None:
    """Writes FOLDER/preference.json and FOLDER/preference.md; an undefined figure of the JSON file is null.

    Raises:
        InputError: a file cannot be written.
    """
    content = {
        "ours": found.ours,
        "against": {
            rival: {
                part: own._asdict() | {"bounds": [finite_or_none(bound) for bound in own.bounds]}
                for part, own in by_part.items()
            }
            for rival, by_part in found.against.items()
        },
        "given": found.given,
        "agreement": [own._asdict() | {"kappa": finite_or_none(own.kappa)} for own in found.agreement],
    }
    write_json(Path(folder) / "preference.json", content)
    write_text(Path(folder) / "preference.md", preference_text(found, markdown=True) + "\n")


def _score(key: Key, sheet: Sheet, answer: str) -> float:
    if answer == "=":
        return 0.5
    return float((sheet.a if answer == "A" else sheet.b) == key.ours)


def _parts(key: Key) -> dict[str, list[int]]:
    """Part -> its pairs. Day and night, or the sets, are left out where there is one alone."""
    found = {ALL: list(range(len(key.pairs)))}
    for names in ([f"by {pair.light}" for pair in key.pairs], [pair.set_name for pair in key.pairs]):
        if len(set(names)) > 1:
            found |= {part: [i for i, own in enumerate(names) if own == part] for part in sorted(set(names))}
    return found


def _preference(scores: Float64[np.ndarray, "people pairs"], inside: list[int], counts: np.ndarray) -> Preference:
    own = scores[:, inside]
    of_pair = np.full(scores.shape[1], np.nan)
    of_pair[inside] = own.mean(axis=0)
    wins, losses, ties = (int((own == value).sum()) for value in (1.0, 0.0, 0.5))
    bounds = float("nan"), float("nan")
    if len({place // BLOCK for place in inside}) >= LEAST_BLOCKS:
        bounds = interval(resampled_means(of_pair, counts))
    return Preference(wins, losses, ties, float(own.mean()), bounds)


def _per_cent(own: Preference) -> str:
    low, high = own.bounds
    if math.isnan(low):
        return f"{100 * own.value:.1f}"
    return f"{100 * own.value:.1f} [{100 * low:.1f}, {100 * high:.1f}]" + "*" * (not low <= 0.5 <= high)
