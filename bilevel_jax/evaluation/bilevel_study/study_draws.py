"""What a problem of the study is: which scenes the inner and the outer loss see, and which ones score the result."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from bilevel_jax.errors import InputError

Scenes = Int64[np.ndarray, " n"]
Unit = Callable[[int], int]  # seed -> what intervals are taken over
FRESH = 3  # fresh learners that score a fusion rule
TUNING_SEEDS = (1000,)  # on which rows choose their step size, apart from the seeds of the table


def each_seed(seed: int) -> int:
    """The unit of problems whose seeds are independent."""
    return seed


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
    """Scenes of one kind in a random order, from which parts are dealt without repetition.

    Attributes:
        rest: what is left.
        kind: for messages, "" or "day ".
        remedy: what helps where too few are left, beside fewer labels.
    """

    def __init__(self, scenes: Scenes, rng: np.random.Generator, kind: str, remedy: str = "more --scenes"):
        self.rest, self.kind, self.remedy = rng.permutation(scenes), kind, remedy

    def deal(self, number: int) -> Scenes:
        """Takes scenes off the deck.

        Raises:
            InputError: there are not enough left.
        """
        if number > len(self.rest):
            raise InputError(
                f"--labels asks for {number} more {self.kind}scenes than the {len(self.rest)} that are left; "
                f"expected fewer labels or {self.remedy}."
            )
        dealt, self.rest = self.rest[:number], self.rest[number:]
        return dealt


class Problem(NamedTuple):
    """One kind of draw.

    Attributes:
        about: one clause for the help text.
        draw: a function (groups, seed, labels, outer scenes, gap) -> Draw.
        labels: default numbers of labelled scenes.
        seeds: default number of seeds.
        tuning: a function seed -> the seeds on which the rows of that seed choose their step size.
        unit: a function seed -> what intervals are taken over; scores of one unit are averaged first.
        of_pairs: whether the scenes are real pairs, from --data.
    """

    about: str
    draw: Callable[[np.ndarray, int, int, int, float], Draw]
    labels: tuple[int, ...]
    seeds: int = 10
    tuning: Callable[[int], tuple[int, ...]] = lambda seed: TUNING_SEEDS
    unit: Unit = each_seed
    of_pairs: bool = False
