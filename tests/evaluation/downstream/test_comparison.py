"""Spread, intervals and paired differences of cells whose figures are known."""

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.bootstrap import interval, resampled_counts, resampled_means
from bilevel_jax.evaluation.downstream.comparison import compare_cells, comparison_json
from bilevel_jax.evaluation.downstream.comparison_text import comparison_text


def _cell(right, groups=()):
    """A two-class segmentation of 10 pixels an image, all of class 1; `right` of them are found, by image."""
    confusions = [[[0, 0], [10 - n, n]] for n in right]
    names = [str(i) for i in range(len(right))]
    cell = {"split": "test", "scores": {}, "names": names, "groups": list(groups), "classes": ["a", "b"]}
    return cell | {"confusions": confusions}


CELLS = {
    "ours": {0: _cell([9, 7, 8, 8]), 1: _cell([8, 6, 7, 7])},
    "same": {0: _cell([9, 7, 8, 8]), 1: _cell([8, 6, 7, 7])},
    "less": {0: _cell([7, 6, 6, 5]), 1: _cell([7, 6, 6, 5])},
}


def test_figures_and_differences():
    found = compare_cells(CELLS, "ours", draws=500)
    figure = found.figures["ours"]["IoU/b"]
    assert figure.mean == pytest.approx((0.8 + 0.7) / 2)
    assert figure.spread == pytest.approx(np.std([0.8, 0.7], ddof=1))
    # IoU of b is the share that was found: a plain mean over the images, whose interval is known without the cells.
    counts = resampled_counts(4, 500)
    expected = interval(resampled_means(np.array([8.5, 6.5, 7.5, 7.5]) / 10, counts))
    assert figure.bounds == pytest.approx(expected)
    assert np.isnan(found.figures["ours"]["IoU/a"].mean)
    by_key = {(d.than, d.figure): d for d in found.differences}
    assert by_key["same", "mIoU_all"].mean == 0 and by_key["same", "mIoU_all"].bounds == (0, 0)
    less = by_key["less", "IoU/b"]
    assert less.mean == pytest.approx(0.75 - 0.6)
    # Paired: the interval is that of the differences, not of two independent sets.
    assert less.bounds == pytest.approx(interval(resampled_means(np.array([1.5, 0.5, 1.5, 2.5]) / 10, counts)))
    text = comparison_text(found)
    assert "75.0 ± 7.1 [" in text and "ours - less" in text and "+15.0 [" in text and "]*" in text
    assert text.startswith("test, 4 pairs; per cent") and comparison_json(found)["split"] == "test"
    assert "over 2 seeds" in text and comparison_json(found)["figures"]["less"]["IoU/b"]["mean"] == pytest.approx(0.6)


def test_groups_are_resampled_by_themselves():
    cells = {"ir": {0: _cell([9, 9, 2, 2], ["day", "day", "night", "night"])}}
    found = compare_cells(cells, "ir", draws=50)
    assert found.groups["day"]["ir"]["IoU/b"].bounds == pytest.approx((0.9, 0.9))
    assert found.groups["night"]["ir"]["IoU/b"].mean == pytest.approx(0.2)
    assert found.differences == [] and np.isnan(found.figures["ir"]["IoU/b"].spread)
    text = comparison_text(found)
    assert "one seed" in text and "night:" in text and "Paired" not in text


def test_cells_of_other_images_are_refused():
    cells = {"a": {0: _cell([1, 2])}, "b": {0: _cell([1, 2, 3])}}
    with pytest.raises(InputError, match="b, seed 0, is of other images"):
        compare_cells(cells, "a", draws=5)
    cells["b"] = {0: _cell([1, 2]) | {"split": "val"}}
    with pytest.raises(InputError, match="b, seed 0, is of another split"):
        compare_cells(cells, "a", draws=5)
