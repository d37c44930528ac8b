"""Draws of real pairs: contiguous folds, and step sizes that are chosen without the tested fold."""

import itertools

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.bilevel_study.real_day_to_night import FOLDS, PROBLEM
from bilevel_jax.evaluation.bilevel_study.scene_cells import group_number

DAY, NIGHT = group_number("day"), group_number("night")
GROUPS = np.random.default_rng(0).permutation([DAY] * 148 + [NIGHT] * 150)


def draw(seed, labels=29, outer=1000):
    return PROBLEM.draw(GROUPS, seed, labels, outer, 0.0)


def parts(found):
    return [found.inner, found.outer, *found.fresh, *found.tests.values()]


@pytest.mark.parametrize("seed", [3, 1003])
def test_parts_are_disjoint_and_of_the_right_time_of_day(seed):
    found = draw(seed)
    for one, two in itertools.combinations(parts(found), 2):
        assert not set(one) & set(two)
    assert (GROUPS[found.outer] == NIGHT).all() and (GROUPS[found.tests["test"]] == NIGHT).all()
    for part in (found.inner, *found.fresh, found.tests["day"]):
        assert (GROUPS[part] == DAY).all()


def test_folds_are_runs_of_frames_and_cover_all_pairs():
    night, day = np.flatnonzero(GROUPS == NIGHT), np.flatnonzero(GROUPS == DAY)
    tested = [draw(seed).tests for seed in range(FOLDS)]
    np.testing.assert_array_equal(np.concatenate([tests["test"] for tests in tested]), night)
    np.testing.assert_array_equal(np.concatenate([tests["day"] for tests in tested]), day)
    assert len(draw(0).outer) == 120 and len(draw(0, outer=50).outer) == 50
    # Another draw of a fold has other labelled pairs and the same test pairs.
    one, two = draw(1), draw(1 + FOLDS)
    np.testing.assert_array_equal(one.tests["test"], two.tests["test"])
    assert set(one.inner) != set(two.inner)


def test_step_sizes_are_chosen_without_the_fold_that_is_tested():
    for seed in range(3 * FOLDS):
        (tuned,) = PROBLEM.tuning(seed)
        kept = {int(pair) for pairs in draw(seed).tests.values() for pair in pairs}
        assert not kept & {int(pair) for part in parts(draw(tuned)) for pair in part}
        assert PROBLEM.unit(seed) == PROBLEM.unit(tuned)


def test_too_many_labels_are_one_sentence():
    with pytest.raises(InputError, match="expected fewer labels or more pairs"):
        draw(0, labels=40)
