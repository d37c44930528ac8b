"""Paired intervals and Holm's correction against reference values."""

import numpy as np
import pytest
from scipy import stats

from bilevel_jax.evaluation.bilevel_study.study_statistics import holm, paired_difference

ROW, OTHER = np.array([0.62, 0.55, 0.71, 0.66]), np.array([0.60, 0.56, 0.65, 0.61])


def test_paired_difference_is_that_of_scipy():
    found, reference = paired_difference(ROW, OTHER), stats.ttest_rel(ROW, OTHER)
    bounds = reference.confidence_interval(0.95)
    np.testing.assert_allclose(found, (0.03, bounds.low, bounds.high, reference.pvalue, 4))


def test_equal_rows_differ_by_nothing_and_one_seed_has_no_interval():
    assert paired_difference(ROW, ROW) == (0, 0, 0, 1, 4)
    assert np.isnan(paired_difference(ROW[:1], OTHER[:1])[1:4]).all()
    with pytest.raises(ValueError, match="4 and 3 figures"):
        paired_difference(ROW, OTHER[:3])


def test_holm_multiplies_by_the_comparisons_that_are_left():
    """Holm 1979: p 0.01, 0.02, 0.03, 0.04 of four become 0.04, 0.06, 0.06 and 0.06."""
    found = holm({"b": 0.02, "a": 0.01, "d": 0.04, "c": 0.03, "none": float("nan")})
    np.testing.assert_allclose([found[k] for k in "abcd"], [0.04, 0.06, 0.06, 0.06])
    assert np.isnan(found["none"])
