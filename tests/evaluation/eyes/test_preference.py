"""What answers say: wins, ties, parts of the pairs, intervals, several people."""

import json

import numpy as np
import pytest

from bilevel_jax.evaluation.appearance.pair_set import PairSet
from bilevel_jax.evaluation.eyes.preference import preference_text, preferences, write_preferences
from bilevel_jax.evaluation.eyes.sheet_key import make_key

SETS = [
    PairSet("street", [str(i) for i in range(12)], None, ["day"] * 10 + ["night"] * 2),
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
        assert sizes == [20, 10, 10, 8, 12]
        assert all(own[1:4] == (0, 0, 1.0) for own in found.against[rival].values())
        assert found.against[rival]["all pairs"].bounds == (1.0, 1.0)
    assert found.given == {"one": {"A": 20, "B": 20, "=": 0}} and found.agreement == ()


def test_rivals_and_parts_are_told_apart():
    # Against max ours wins by day alone; against vis it loses everywhere, but for ties in the set dark.
    found = preferences(
        KEY, {"one": prefers(lambda pair, rival: float(pair < 10) if rival == "max" else 0.5 * (pair >= 12))}
    )
    best, vis = found.against["max"], found.against["vis"]
    assert best["all pairs"][:4] == (10, 10, 0, 0.5)
    assert [best[part].value for part in ("by day", "by night", "dark")] == [1.0, 0.0, 0.0]
    assert best["street"].value == pytest.approx(10 / 12)
    assert vis["all pairs"][:4] == (0, 12, 8, 0.2) and vis["dark"][:4] == (0, 0, 8, 0.5) and vis["street"].value == 0


def test_the_interval_is_that_of_blocks_of_two_pairs():
    # Ten blocks of two; ours wins the first four. A sample's preference is binomial(10, 0.4) / 10, whose central
    # 95 % is 0.1 ... 0.7 (P[<= 0] = 0.006, P[<= 1] = 0.046; P[<= 6] = 0.945, P[<= 7] = 0.988).
    blocks = preferences(KEY, {"one": prefers(lambda pair, rival: float(pair < 8))}).against["max"]["all pairs"]
    assert blocks.value == 0.4 and blocks.bounds == pytest.approx((0.1, 0.7))
    # Ours wins one pair of each block: every sample has one half.
    even = preferences(KEY, {"one": prefers(lambda pair, rival: float(pair % 2))}).against["max"]
    assert even["all pairs"].bounds == even["by day"].bounds == pytest.approx((0.5, 0.5))


def test_a_part_of_few_pairs_has_no_interval():
    found = preferences(KEY, {"one": prefers(lambda pair, rival: float(pair < 15))}).against["max"]
    known = {part: not np.isnan(own.bounds).any() for part, own in found.items()}
    assert known == {"all pairs": True, "by day": True, "by night": True, "dark": False, "street": True}


def test_a_second_person_who_agrees_does_not_narrow_the_interval():
    score = dict(enumerate(np.random.default_rng(0).choice([0, 0.5, 1], 20)))
    one = prefers(lambda pair, rival: score[pair])
    alone, both = (preferences(KEY, answers) for answers in ({"one": one}, {"one": one, "two": one}))
    for part, own in both.against["max"].items():
        first = alone.against["max"][part]
        assert own[:3] == tuple(2 * number for number in first[:3])
        assert own.value == pytest.approx(first.value) and own.bounds == pytest.approx(first.bounds, nan_ok=True)
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
    rows = content["against"]["max"]
    assert rows["by day"] == {"wins": 0, "losses": 0, "ties": 20, "value": 0.5, "bounds": [0.5, 0.5]}
    assert rows["dark"] == {"wins": 0, "losses": 0, "ties": 16, "value": 0.5, "bounds": [None, None]}
    assert "| max " in (tmp_path / "preference.md").read_text()
