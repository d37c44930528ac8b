"""The draws of the problems: disjoint, of the right time of day, alike where they are compared."""

import itertools

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.bilevel_study.study_problems import PROBLEMS

GROUPS = np.random.default_rng(0).choice(3, size=6000, p=(0.36, 0.22, 0.42))  # day, dusk, night


@pytest.mark.parametrize("name", [name for name, problem in PROBLEMS.items() if not problem.of_pairs])
def test_parts_are_disjoint_and_depend_on_the_seed(name):
    draw, other = (PROBLEMS[name].draw(GROUPS, seed, 50, 1000, 0.5) for seed in (0, 1))
    parts = [draw.inner, draw.outer, *draw.fresh, draw.tests["test"]]
    assert [len(part) for part in parts] == [50, 1000, 50, 50, 50, 600]
    for one, two in itertools.combinations(parts, 2):
        assert not set(one) & set(two)
    assert set(draw.inner) != set(other.inner)
    again = PROBLEMS[name].draw(GROUPS, 0, 20, 1000, 0.5)
    assert set(again.tests["test"]) == set(draw.tests["test"])  # another number of labels is tested on the same scenes


def test_day_to_night_learns_by_day_alone():
    draw = PROBLEMS["day_to_night"].draw(GROUPS, 0, 50, 1000, 0.25)
    for scenes in (draw.inner, *draw.fresh, draw.tests["day"]):
        assert (GROUPS[scenes] == 0).all()
    assert (GROUPS[draw.outer] == 2).sum() == 250 and (GROUPS[draw.outer] == 1).sum() == 0
    assert (GROUPS[draw.tests["night"]] == 2).all()
    assert list(draw.tests) == ["test", "night", "day"]
    dark = PROBLEMS["day_to_night"].draw(GROUPS, 0, 50, 1000, 1.0)
    assert (GROUPS[dark.tests["test"]] == 2).all() and (GROUPS[dark.outer] == 2).all()


def test_too_many_labels_are_one_sentence():
    with pytest.raises(InputError, match="--labels asks for 5000 more scenes than the 4400"):
        PROBLEMS["few_labels"].draw(GROUPS, 0, 5000, 1000, 0.0)
