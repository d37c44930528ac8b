"""Pairs for people: equal shares of the sets and of day and night, and pairs by their names."""

import re
from collections import Counter

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.appearance.pair_set import PairSet, SourcePair
from bilevel_jax.evaluation.eyes.chosen_pairs import named_pairs, spread_pairs


def pair_set(name, lights):
    """A set whose pair i has the level i, and the names a, b, ... followed by the first letter of the light."""
    names = [f"{i:03d}" for i in range(len(lights))]
    return PairSet(name, names, lambda i: SourcePair(np.full((4, 6, 1), i, np.uint8), None, None), lights)


BOTH, NIGHT, FEW = (
    pair_set("both/val", ["night", "day"] * 20),
    pair_set("dark", ["night"] * 30),
    pair_set("few", ["day"] * 3 + ["night"]),
)


def test_equal_shares_of_the_sets_and_half_by_day():
    chosen = spread_pairs([BOTH, NIGHT, FEW], 24)
    assert [Counter(own.groups) for own in chosen] == [{"day": 5, "night": 5}, {"night": 10}, {"day": 3, "night": 1}]
    assert [own.name for own in chosen] == ["both/val", "dark", "few"]
    assert chosen[0].groups == ["day"] * 5 + ["night"] * 5
    for own in chosen:  # a chosen pair still is the one that it is called
        assert [own.read(i).infrared[0, 0, 0] for i in range(len(own.names))] == [int(name) for name in own.names]
        assert len(set(own.names)) == len(own.names)


def test_pairs_lie_far_apart_and_the_seed_moves_them():
    found = [[int(name) for name in spread_pairs([NIGHT], 6, seed)[0].names] for seed in range(20)]
    assert all((np.diff(places) == 5).all() for places in found) and {places[0] for places in found} == set(range(5))
    assert spread_pairs([NIGHT], 6, 3)[0].names == spread_pairs([NIGHT], 6, 3)[0].names
    assert spread_pairs([NIGHT], 30)[0].names == NIGHT.names


def test_more_pairs_than_there_are():
    with pytest.raises(InputError, match=r"--pairs=35, and --data has 34 pairs; expected 1 to 34\."):
        spread_pairs([NIGHT, FEW], 35)


def test_named_pairs(tmp_path):
    file = tmp_path / "names.txt"
    file.write_text("few/003\nboth/val/007\n\nfew/000\n")
    chosen = named_pairs([BOTH, NIGHT, FEW], file)
    assert [(own.name, own.names, own.groups) for own in chosen] == [
        ("both/val", ["007"], ["day"]),
        ("few", ["000", "003"], ["day", "night"]),
    ]
    assert chosen[1].read(1).infrared[0, 0, 0] == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dark/001\ndark/0001\n", r"names.txt, line 2 has 'dark/0001'; expected .* did you mean dark/001\?"),
        ("dark/001\n\ndark/001\n", "names.txt, line 3 repeats 'dark/001' of line 1"),
        ("\n", "names no pair"),
        (None, "cannot be read"),
    ],
)
def test_bad_names(tmp_path, text, message):
    file = tmp_path / "names.txt"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError) as error:
        named_pairs([NIGHT], file)
    assert re.search(message, str(error.value)), error.value
