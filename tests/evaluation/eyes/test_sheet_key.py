"""The key of the sheets: every comparison once, balanced sides, no blocks."""

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.appearance.pair_set import PairSet
from bilevel_jax.evaluation.eyes.sheet_key import make_key, read_key, write_key

SETS = [
    PairSet("street", [str(i) for i in range(13)], None, ["day"] * 7 + ["night"] * 6),
    PairSet("dark", [str(i) for i in range(8)], None, ["night"] * 8),
]
RIVALS = ("max", "vis", "average")
KEY = make_key(SETS, "ours", RIVALS, seed=1)


def rival_of(sheet):
    return sheet.b if sheet.a == "ours" else sheet.a


def test_every_pair_meets_every_rival_once():
    sheets = KEY.sheets.values()
    assert list(KEY.sheets) == [f"{i:03d}" for i in range(1, 64)]
    assert all("ours" in (sheet.a, sheet.b) and sheet.a != sheet.b for sheet in sheets)
    assert {(sheet.pair, rival_of(sheet)) for sheet in sheets} == {(i, rival) for i in range(21) for rival in RIVALS}
    assert KEY.pairs[6] == ("street", "6", "day") and KEY.pairs[13] == ("dark", "0", "night")


@pytest.mark.parametrize("seed", range(5))
def test_ours_is_a_in_half_of_the_sheets(seed):
    sheets = make_key(SETS, "ours", RIVALS, seed).sheets.values()
    for rival in RIVALS:
        is_a = {sheet.pair: sheet.a == "ours" for sheet in sheets if rival_of(sheet) == rival}
        assert abs(2 * sum(is_a.values()) - 21) == 1
        assert all(is_a[pair] != is_a[pair + 1] for pair in range(0, 20, 2))
    # Who recognises ours on one sheet does not know its side on the pair's other sheets.
    sides = [[sheet.a == "ours" for sheet in sheets if sheet.pair == pair] for pair in range(21)]
    assert any(len(set(own)) == 2 for own in sides)


def test_the_seed_draws_sides_and_order():
    assert make_key(SETS, "ours", RIVALS, seed=1) == KEY
    other = make_key(SETS, "ours", RIVALS, seed=2)
    assert [sheet.pair for sheet in other.sheets.values()] != [sheet.pair for sheet in KEY.sheets.values()]
    sides = [{(s.pair, rival_of(s)): s.a == "ours" for s in key.sheets.values()} for key in (KEY, other)]
    assert sides[0] != sides[1]


def test_neither_pairs_nor_rivals_come_in_blocks():
    sheets = list(KEY.sheets.values())
    for pair in range(21):
        places = [i for i, sheet in enumerate(sheets) if sheet.pair == pair]
        assert (np.diff(places) == 21).all()
    for first in range(0, 63, 21):  # each third of the sheets has all rivals and all sets
        assert {rival_of(sheet) for sheet in sheets[first : first + 21]} == set(RIVALS)
    assert [sheet.pair for sheet in sheets[:21]] != sorted(sheet.pair for sheet in sheets[:21])


def test_the_file(tmp_path):
    write_key(tmp_path, KEY)
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert read_key(tmp_path) == read_key(tmp_path / "key") == KEY


def test_no_key(tmp_path):
    with pytest.raises(InputError, match="has no key.json"):
        read_key(tmp_path)
    for text in ("{", "[]", '{"sheets": {}}'):
        (tmp_path / "key.json").write_text(text)
        with pytest.raises(InputError, match="key.json is no key of sheets"):
            read_key(tmp_path)
