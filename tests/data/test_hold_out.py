"""Blocks that are held out of a list: contiguous, the wished share, of day and of night by themselves."""

import numpy as np
import pytest

from bilevel_jax.data.hold_out import hold_out_blocks
from bilevel_jax.errors import InputError


def runs(part, num):
    """Lengths of the runs of consecutive indices in `part`."""
    edges = np.flatnonzero(np.diff(np.isin(np.arange(-1, num + 1), part).astype(int)))
    return np.diff(edges)[::2]


@pytest.mark.parametrize(("num", "blocks"), [(2, 1), (5, 1), (104, 1), (4200, 8)])
def test_held_out_blocks_are_contiguous_and_a_fifth(num, blocks):
    kept, held_out = hold_out_blocks(num, seed=3)
    assert sorted([*kept, *held_out]) == list(range(num))
    assert len(held_out) == pytest.approx(num * 0.2, abs=max(1.0, num * 0.02))
    assert 1 + np.count_nonzero(np.diff(held_out) > 1) <= blocks
    again, other = hold_out_blocks(num, seed=3)[1], [hold_out_blocks(num, seed=s)[1].tolist() for s in range(8)]
    np.testing.assert_array_equal(held_out, again)
    assert any(found != held_out.tolist() for found in other)


def test_day_and_night_are_held_out_by_themselves():
    groups = ["day"] * 120 + ["night"] * 120
    kept, held_out = hold_out_blocks(240, groups=groups)
    assert sorted([*kept, *held_out]) == list(range(240)) and (np.diff(kept) > 0).all()
    # Two runs, a fifth of the day and a fifth of the night.
    assert runs(held_out, 240).tolist() == [24, 24] and (held_out < 120).sum() == 24
    # Interleaved recordings are contiguous within their group.
    mixed = [("day", "night")[i % 2] for i in range(50)]
    kept, held_out = hold_out_blocks(50, groups=mixed)
    for parity in (0, 1):
        assert np.diff(held_out[held_out % 2 == parity]).tolist() == [2] * 4
    # One dusk alone is kept; where every group has one item they are one.
    assert 4 not in hold_out_blocks(5, groups=["day"] * 4 + ["dusk"])[1]
    assert len(hold_out_blocks(4, groups=list("abcd"))[1]) == 1


@pytest.mark.parametrize("share", [0.05, 0.1, 0.25, 0.5])
@pytest.mark.parametrize("num", [40, 399, 4000])
def test_another_share(share, num):
    assert len(hold_out_blocks(num, share=share)[1]) == pytest.approx(share * num, rel=0.25)


def test_one_pair_cannot_be_split():
    with pytest.raises(InputError, match=r"there are 1 pair\(s\) to split, expected at least 2"):
        hold_out_blocks(1)
