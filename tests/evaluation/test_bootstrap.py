"""Resampled images against what is known without resampling."""

import numpy as np
import pytest

from bilevel_jax.evaluation.bootstrap import (
    excludes_zero,
    interval,
    resampled_blocks,
    resampled_counts,
    resampled_means,
)


def test_every_sample_has_as_many_images_as_the_set():
    counts = resampled_counts(7, draws=50, seed=3)
    assert counts.shape == (50, 7) and (counts.sum(axis=1) == 7).all()
    np.testing.assert_array_equal(counts, resampled_counts(7, draws=50, seed=3))
    assert (counts != resampled_counts(7, draws=50, seed=4)).any()


def test_the_interval_of_a_mean_is_that_of_theory():
    # For 0/1 values a sample's sum is binomial: of 100 with p = 0.3, the central 95 % is 21 ... 39.
    values = np.repeat([1.0, 0.0], [30, 70])
    low, high = interval(resampled_means(values, resampled_counts(100, draws=20000)))
    assert low == pytest.approx(0.21, abs=0.011) and high == pytest.approx(0.39, abs=0.011)


def test_means_of_several_columns_with_undefined_values():
    values = np.array([[1.0, np.nan, np.nan], [3.0, 4.0, np.nan]])
    means = resampled_means(values, np.array([[1, 1], [2, 0]]))
    np.testing.assert_allclose(means, [[2.0, 4.0, np.nan], [1.0, np.nan, np.nan]])


def test_bounds():
    assert interval(np.array([np.nan, np.nan])) == pytest.approx((np.nan, np.nan), nan_ok=True)
    assert interval(np.r_[np.arange(101.0), np.nan]) == pytest.approx((2.5, 97.5))
    assert excludes_zero((0.1, 0.2)) and excludes_zero((-2, -1))
    assert not excludes_zero((-1, 1)) and not excludes_zero((0.0, 1.0)) and not excludes_zero((np.nan, np.nan))


def test_no_image_no_interval():
    with pytest.raises(ValueError, match="0 images"):
        resampled_counts(0)


def test_neighbours_are_drawn_together():
    counts = resampled_blocks(10, block=4, draws=200, seed=1)
    assert counts.shape == (200, 10)
    for start in (0, 4, 8):
        assert (counts[:, start : start + 4] == counts[:, start : start + 1]).all()
    # Three blocks are drawn; the last one has two images.
    np.testing.assert_array_equal(counts[:, [0, 4, 8]].sum(axis=1), 3)
    np.testing.assert_array_equal(resampled_blocks(7, block=1, draws=9, seed=3), resampled_counts(7, draws=9, seed=3))


def test_blocks_of_equal_neighbours_give_the_wider_interval():
    """Frames that repeat four times carry a quarter of the information: the spread of a mean doubles."""
    values = np.repeat(np.random.default_rng(0).normal(size=50), 4)
    single = resampled_means(values, resampled_counts(200, draws=4000))
    blocks = resampled_means(values, resampled_blocks(200, draws=4000))
    assert blocks.std() / single.std() == pytest.approx(2, rel=0.1)
