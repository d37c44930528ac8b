"""The problems of the study by name, and the draws of those on the built-in scenes."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from bilevel_jax.evaluation.bilevel_study import real_day_to_night
from bilevel_jax.evaluation.bilevel_study.scene_cells import group_number
from bilevel_jax.evaluation.bilevel_study.study_draws import FRESH, Deck, Draw, Problem

TESTED = 600  # scenes that fresh learners are tested on


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


PROBLEMS: Mapping[str, Problem] = MappingProxyType(
    {
        "few_labels": Problem("inner loss on few labelled scenes, outer loss on many", few_labels, (20, 50, 200)),
        "day_to_night": Problem("inner loss on scenes by day, outer loss by day and night", day_to_night, (200,)),
        "real_day_to_night": real_day_to_night.PROBLEM,
    }
)
