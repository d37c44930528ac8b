"""Ranks: ties, undefined values, directions."""

import numpy as np

from bilevel_jax.evaluation.leaderboard.ranking import place_within, ranks


def test_ties_share_the_mean_of_their_ranks():
    means = np.array([[5.0, 1.0], [7.0, 1.0], [5.0, 1.0], [9.0, 0.0]])
    np.testing.assert_array_equal(ranks(means, np.array([True, True])).T, [[3.5, 2, 3.5, 1], [2, 2, 2, 4]])


def test_lower_may_be_better_and_undefined_is_last_either_way():
    means = np.array([[5.0, 5.0], [np.nan, np.nan], [9.0, 9.0], [np.nan, 1.0]])
    expected = [[2, 3.5, 1, 3.5], [2, 4, 3, 1]]
    np.testing.assert_array_equal(ranks(means, np.array([True, False])).T, expected)


def test_every_table_of_a_stack_is_ranked_by_itself():
    means = np.random.default_rng(0).random((5, 6, 3))
    higher = np.array([True, False, True])
    stacked = ranks(means, higher)
    for table, expected in zip(means, stacked, strict=True):
        np.testing.assert_array_equal(ranks(table, higher), expected)


def test_place():
    assert place_within(np.array([2.0, 1.0, 2.0, 3.0]), 0) == 2
    # 1/3 + 1/3 + 1/3 in another order is no better place.
    assert place_within(np.array([1.0, 1.0 - 1e-15]), 0) == 1
