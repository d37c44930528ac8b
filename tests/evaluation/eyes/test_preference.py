"""What answers say: wins, ties, parts of the pairs, intervals, several people."""

import json

import numpy as np
import pytest

from bilevel_jax.evaluation.appearance.pair_set import PairSet
from bilevel_jax.evaluation.eyes.preference import preference_text, preferences, write_preferences
from bilevel_jax.evaluation.eyes.sheet_key import make_key

SETS = [
    PairSet("street", [str(i) for i in range(12)], None, ["day"] * 8 + ["night"] * 4),
    PairSet("dark", [str(i) for i in range(8)], None, ["night"] * 8),
]
KEY = make_key(SETS, "ours", ("max", "vis"))


def prefers(score):
    """The answers of a person to whom score(pair, rival) is 1 where ours is better, 0 where the rival is, 0.5 else."""

    def answer(sheet):
        rival = sheet.b if sheet.a == "ours" else sheet.a
        wanted = {1: "ours", 0: rival, 0.5: None}[score(sheet.pair, rival)]
        return {sheet.a: "A", sheet.b: "B", None: "="}[wanted]

    return {number: answer(sheet) for number, sheet in KEY.sheets.items()}


def test_who_always_picks_ours():
    found = preferences(KEY, {"one": prefers(lambda pair, rival: 1)})
    for rival in ("max", "vis"):
        assert list(found.against[rival]) == ["all pairs", "by day", "by night", "dark", "street"]
        sizes = [own.wins for own in found.against[rival].values()]
        assert sizes == [20, 8, 12, 8, 12]
        assert all(own[1:] == (0, 0, 1.0, (1.0, 1.0)) for own in found.against[rival].values())
    assert found.given == {"one": {"A": 20, "B": 20, "=": 0}} and found.agreement == ()


def test_rivals_and_parts_are_told_apart():
    # Against max ours wins by day alone; against vis it loses everywhere, but for ties in the set dark.
    found = preferences(
        KEY, {"one": prefers(lambda pair, rival: float(pair < 8) if rival == "max" else 0.5 * (pair >= 12))}
    )
    best, vis = found.against["max"], found.against["vis"]
    assert best["all pairs"][:4] == (8, 12, 0, 0.4)
    assert [best[part].value for part in ("by day", "by night", "dark")] == [1.0, 0.0, 0.0]
    assert best["street"].value == pytest.approx(8 / 12)
    assert vis["all pairs"][:4] == (0, 12, 8, 0.2) and vis["dark"][:4] == (0, 0, 8, 0.5) and vis["street"].value == 0


def test_the_interval_is_that_of_blocks_of_four_pairs():
    # Five blocks of four; ours wins the first two. A sample's preference is binomial(5, 0.4) / 5, whose central
    # 95 % is 0 ... 0.8 (P[0] = 0.078, P[4] = 0.077, P[5] = 0.010).
    blocks = preferences(KEY, {"one": prefers(lambda pair, rival: float(pair < 8))}).against["max"]["all pairs"]
    assert blocks.value == 0.4 and blocks.bounds == pytest.approx((0.0, 0.8))
    # Each block has two of its four pairs: every sample has one half.
    even = preferences(KEY, {"one": prefers(lambda pair, rival: float(pair % 2))}).against["max"]["all pairs"]
    assert even.bounds == pytest.approx((0.5, 0.5))


def test_a_second_person_who_agrees_does_not_narrow_the_interval():
    score = dict(enumerate(np.random.default_rng(0).choice([0, 0.5, 1], 20)))
    one = prefers(lambda pair, rival: score[pair])
    alone, both = (preferences(KEY, answers) for answers in ({"one": one}, {"one": one, "two": one}))
    for part, own in both.against["max"].items():
        first = alone.against["max"][part]
        assert own[:3] == tuple(2 * number for number in first[:3])
        assert own.value == pytest.approx(first.value) and own.bounds == pytest.approx(first.bounds)
    assert both.agreement[0] == (("one", "two"), 1.0, 1.0)


def test_people_who_contradict_each_other_have_no_preference():
    answers = {str(good): prefers(lambda pair, rival, good=good: good) for good in (0, 1)}
    found = preferences(KEY, answers)
    assert found.against["vis"]["all pairs"] == (20, 20, 0, 0.5, (0.5, 0.5))
    assert found.agreement[0][1:] == pytest.approx((0.0, -1.0))


def test_text_and_files(tmp_path):
    answers = {"one": prefers(lambda pair, rival: 1), "two": dict.fromkeys(KEY.sheets, "=")}
    found = preferences(KEY, answers)
    text = preference_text(found)
    assert "75.0 [75.0, 75.0]*" in text and "one and two" in text and "nan" not in text
    always_equal = preferences(KEY, dict.fromkeys(("one", "two"), dict.fromkeys(KEY.sheets, "=")))
    assert "50.0 [50.0, 50.0]\n" in preference_text(always_equal) + "\n"
    write_preferences(tmp_path, always_equal)
    content = json.loads((tmp_path / "preference.json").read_text())
    assert content["agreement"] == [{"files": ["one", "two"], "equal": 1.0, "kappa": None}]
    day = {"wins": 0, "losses": 0, "ties": 16, "value": 0.5, "bounds": [0.5, 0.5]}
    assert content["against"]["max"]["by day"] == day
    assert "| max " in (tmp_path / "preference.md").read_text()
