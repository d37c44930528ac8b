"""Real pairs: the inner loss sees pairs by day, the outer loss pairs by night.

Neighbouring frames of a drive are near-duplicates, so the pairs of each kind are cut into contiguous folds. One fold is
tested on, and no training sees it.
"""

import numpy as np

from bilevel_jax.evaluation.bilevel_study.scene_cells import group_number
from bilevel_jax.evaluation.bilevel_study.study_draws import FRESH, TUNING_SEEDS, Deck, Draw, Problem

FOLDS = 5


def real_day_to_night(groups: np.ndarray, seed: int, labels: int, outer: int, gap: float) -> Draw:
    """The pairs of a seed, whose fold is seed % FOLDS; the rest of the seed draws the labelled pairs.

    A tuning seed has the same fold and does not touch it: the next fold is tested on in its place.

    Args:
        groups: time of day of every pair, in the order of the frames.
        seed: of the table, or a tuning seed, which is at least `TUNING_SEEDS[0]`.
        labels: number of labelled pairs by day of each head.
        outer: number of pairs by night of the outer loss at most.
        gap: nothing: all outer pairs are by night.
    """
    del gap
    rng, fold = np.random.default_rng([seed, 3]), seed % FOLDS
    tuned = seed >= TUNING_SEEDS[0]
    tested = (fold + 1) % FOLDS if tuned else fold
    day, night = (np.array_split(np.flatnonzero(groups == group_number(name)), FOLDS) for name in ("day", "night"))
    seen = [place for place in range(FOLDS) if place not in (fold, tested)]
    dark = Deck(np.concatenate([night[place] for place in seen]), rng, "night ", "more pairs")
    light = Deck(np.concatenate([day[place] for place in seen]), rng, "day ", "more pairs")
    upper, inner = dark.deal(min(outer, len(dark.rest))), light.deal(labels)
    # A tuning seed has one fold less, so it has one fresh head less.
    fresh = tuple(light.deal(labels) for _ in range(FRESH - tuned))
    return Draw(inner, upper, fresh, {"test": night[tested], "day": day[tested]})


def _tuning(seed: int) -> tuple[int, ...]:
    return tuple(first + fold_of(seed) for first in TUNING_SEEDS)


def fold_of(seed: int) -> int:
    """The fold of a seed."""
    return seed % FOLDS


PROBLEM = Problem(
    "real pairs of --data, inner loss by day, outer loss by night; seed s tests on fold s % 5",
    real_day_to_night,
    (29,),
    seeds=3 * FOLDS,
    tuning=_tuning,
    unit=fold_of,
    of_pairs=True,
)
