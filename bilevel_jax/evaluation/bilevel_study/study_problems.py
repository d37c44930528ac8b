"""The problems of the study: which scenes the inner and the outer loss see, and which ones score the result."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.bilevel_study.scene_cells import group_number

Scenes = Int64[np.ndarray, " n"]
FRESH = 3  # fresh learners that score a fusion rule
TESTED = 600  # scenes that they are tested on


class Draw(NamedTuple):
    """The scenes of one seed; all parts are disjoint.

    Attributes:
        inner: labelled scenes that the head learns from.
        outer: scenes of the outer loss, in the order in which batches take them.
        fresh: `FRESH` further draws like `inner`; each teaches a fresh head, which is then tested.
        tests: name -> scenes that the fresh heads are tested on; the first one's score is the main one.
    """

    inner: Scenes
    outer: Scenes
    fresh: tuple[Scenes, ...]
    tests: Mapping[str, Scenes]


class Deck:
    """Scenes of one kind in a random order, from which parts are dealt without repetition."""

    def __init__(self, scenes: Scenes, rng: np.random.Generator, kind: str):
        self.rest, self.kind = rng.permutation(scenes), kind

    def deal(self, number: int) -> Scenes:
        """Takes scenes off the deck.

        Raises:
            InputError: there are not enough left.
        """
        if number > len(self.rest):
            raise InputError(
                f"--labels asks for {number} more {self.kind}scenes than the {len(self.rest)} that are left; "
                "expected fewer labels or more --scenes."
            )
        dealt, self.rest = self.rest[:number], self.rest[number:]
        return dealt


def few_labels(groups: np.ndarray, seed: int, labels: int, outer: int, gap: float) -> Draw:
    """The inner problem has few labelled scenes, the outer one many, both of all times of day."""
    del gap
    deck = Deck(np.arange(len(groups)), np.random.default_rng([seed, 1]), "")
    # The test set and the outer set come first, so that they are the same for every number of labels.
    test, upper = deck.deal(TESTED), deck.deal(outer)
    return Draw(deck.deal(labels), upper, tuple(deck.deal(labels) for _ in range(FRESH)), {"test": test})


def day_to_night(groups: np.ndarray, seed: int, labels: int, outer: int, gap: float) -> Draw:
    """The inner problem has labelled scenes by day; the outer one has scenes by day and by night.

    The main test set has the times of day that the outer scenes have.
    """
    rng = np.random.default_rng([seed, 2])
    day = Deck(np.flatnonzero(groups == group_number("day")), rng, "day ")
    night = Deck(np.flatnonzero(groups == group_number("night")), rng, "night ")
    by_day, by_night = day.deal(TESTED // 2), night.deal(TESTED // 2)
    dark = round(gap * outer)
    upper = rng.permutation(np.concatenate([day.deal(outer - dark), night.deal(dark)]))
    inner, fresh = day.deal(labels), tuple(day.deal(labels) for _ in range(FRESH))
    main = np.concatenate([part for part, share in ((by_day, 1 - gap), (by_night, gap)) if share > 0])
    tests = {"test": main, "night": by_night, "day": by_day}
    return Draw(inner, upper, fresh, tests)


class Problem(NamedTuple):
    """One kind of draw.

    Attributes:
        about: one clause for the help text.
        draw: a function (groups, seed, labels, outer scenes, gap) -> Draw.
        labels: default numbers of labelled scenes.
    """

    about: str
    draw: Callable[[np.ndarray, int, int, int, float], Draw]
    labels: tuple[int, ...]


PROBLEMS: Mapping[str, Problem] = MappingProxyType(
    {
        "few_labels": Problem("inner loss on few labelled scenes, outer loss on many", few_labels, (20, 50, 200)),
        "day_to_night": Problem("inner loss on scenes by day, outer loss by day and night", day_to_night, (200,)),
    }
)
