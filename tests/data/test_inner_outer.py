"""The inner and the outer part: disjoint, complete, and with the same share of every group."""

import numpy as np
import pytest

from bilevel_jax.data.inner_outer import alternate_blocks, check_disjoint, deal_out
from bilevel_jax.errors import InputError


def runs(part, num):
    """Lengths of the runs of consecutive indices in `part`."""
    edges = np.flatnonzero(np.diff(np.isin(np.arange(-1, num + 1), part).astype(int)))
    return np.diff(edges)[::2]


def test_msrs_train_list_120_day_then_120_night():
    groups = ["day"] * 120 + ["night"] * 120
    inner, outer = alternate_blocks(240, 20, groups)
    assert sorted([*inner, *outer]) == list(range(240))
    for part in (inner, outer):
        assert (part < 120).sum() == 60 and (part >= 120).sum() == 60
    # The last inner day run ends at 100, the first inner night run starts at 120: nothing longer than a block.
    assert runs(inner, 240).tolist() == [20] * 6 and runs(outer, 240).tolist() == [20] * 6


@pytest.mark.parametrize("num", [2, 3, 7, 39, 40, 41, 58, 97, 240, 1083])
@pytest.mark.parametrize("block", [1, 5, 20])
def test_a_partition_into_even_runs(num, block):
    inner, outer = alternate_blocks(num, block)
    assert sorted([*inner, *outer]) == list(range(num))
    lengths = np.concatenate([runs(inner, num), runs(outer, num)])
    assert lengths.max() <= max(2 * block, num / 2 + 1)
    assert num < block or lengths.min() >= block // 2
    assert abs(len(inner) - len(outer)) <= len(lengths) / 2
    assert (np.diff(inner) > 0).all() and (np.diff(outer) > 0).all()


def test_every_group_of_two_or_more_is_in_both_parts():
    rng = np.random.default_rng(0)
    groups = rng.choice(["day", "dusk", "night"], 150, p=[0.7, 0.1, 0.2])
    inner, outer = alternate_blocks(150, 20, list(groups))
    for part in (inner, outer):
        assert set(groups[part]) == {"day", "dusk", "night"}
    assert not set(inner) & set(outer)


def test_a_pair_that_one_part_may_take_goes_to_it_and_blocks_deal_out_the_others():
    groups = ["day"] * 80 + ["dusk"] * 20 + ["night"] * 60
    day, night, every = np.array(groups) == "day", np.array(groups) == "night", np.ones(160, bool)
    inner, outer = deal_out(day, night, 20, groups)
    assert inner.tolist() == list(range(80)) and outer.tolist() == list(range(100, 160))  # dusk is in neither
    inner, outer = deal_out(day, every, 20, groups)
    assert sorted([*inner, *outer]) == list(range(160)) and runs(inner, 160).tolist() == [20, 20]
    assert set(range(80, 160)) <= set(outer) and set(inner) <= set(range(80))
    for found, before in zip(deal_out(every, every, 20, groups), alternate_blocks(160, 20, groups), strict=True):
        np.testing.assert_array_equal(found, before)
        assert found.dtype == before.dtype


def test_too_few_items_are_refused():
    with pytest.raises(InputError, match="1 item"):
        alternate_blocks(1)
    with pytest.raises(InputError, match="block length .* is 0"):
        alternate_blocks(10, 0)


def test_an_overlap_is_named():
    check_disjoint([0, 1], [2, 3])
    with pytest.raises(InputError, match=r"share 2 item\(s\) \(b, c\), expected disjoint"):
        check_disjoint([0, 1, 2], [2, 1, 3], names=["a", "b", "c", "d"])
    with pytest.raises(InputError, match="the outer part of the training list is empty"):
        check_disjoint([0, 1], [])
