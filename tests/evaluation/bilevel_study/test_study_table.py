"""The table: paired gains, shares of the exact gain only where that gain is certain, and logs."""

import pytest

from bilevel_jax.evaluation.bilevel_study.study_rows import chosen_rows
from bilevel_jax.evaluation.bilevel_study.study_table import differences, share_of_exact, study_table

LOG = {
    "unsolved": 0.1, "correction": 0.5, "cosine": 0.9, "correction_cosine": 0.8, "length": 1.0,
    "exact_correction": 0.6, "residual": None,
}  # fmt: skip


def made(row, scores, log=False):
    figures = {"own": 0.4, "like_visible": 0.5, "like_infrared": 0.6}
    return [
        {
            "row": row, "seed": seed, "rate": 0.01, "ridge": 0.1, "outer_steps": 3, "passes": 42.0, "cpu_seconds": 1.0,
            "scores": {"test": score, "error": 1 - 2 * score, **figures},
            "log": {"start": LOG, "end": LOG} if log else {}, "noise": 2.0 if log else None,
        }
        for seed, score in enumerate(scores)
    ]  # fmt: skip


def test_share_of_the_exact_gain_is_told_only_where_that_gain_is_certain():
    ignore, half = made("ignore", [0.50, 0.52, 0.51]), made("unrolled", [0.51, 0.53, 0.52])
    certain = {"ignore": ignore, "unrolled": half, "exact": made("exact", [0.52, 0.54, 0.53])}
    assert share_of_exact(differences(certain, "ignore"), "unrolled") == pytest.approx(0.5)
    certain["exact"] = made("exact", [0.52, 0.50, 0.53])
    assert share_of_exact(differences(certain, "ignore"), "unrolled") is None


def test_only_common_seeds_are_compared():
    cells = {"ignore": made("ignore", [0.5, 0.5]), "exact": made("exact", [0.6, 0.7, 0.9])}
    assert differences(cells, "ignore")["exact"].difference[:1] == pytest.approx((0.15,))
    assert differences({"exact": cells["exact"]}, "ignore") == {}


def test_intervals_are_taken_over_units():
    """Two draws of each of two folds: the mean of each fold counts once."""
    cells = {"ignore": made("ignore", [0.5] * 4), "exact": made("exact", [0.50, 0.54, 0.52, 0.58])}
    found = differences(cells, "ignore", unit=lambda seed: seed % 2)["exact"].difference
    reach = 12.706 * 0.025  # Student's t for two units, times the standard error
    assert found.seeds == 2 and found[:3] == pytest.approx((0.035, 0.035 - reach, 0.035 + reach), rel=1e-3)


def test_table_names_rows_gains_costs_and_logs():
    cells = {"ignore": made("ignore", [0.50, 0.52, 0.51]), "exact": made("exact", [0.52, 0.55, 0.53], log=True)}
    text = study_table(cells)
    assert "| `exact`: the exact hypergradient | 53.3 | 40.0 | +2.33 [+0.90, +3.77]" in text
    assert "+4.67 [+1.80, +7.54]" in text  # of the explained variance
    assert "| `ignore` | +2.33 [+0.90, +3.77]" in text.split("exact minus")[1]
    assert "| `exact` | 0.1 / 0.1 | 0.5 / 0.5 |" in text and "| 2 | - |" in text


def test_rows_keep_the_order_in_which_they_are_named():
    assert list(chosen_rows(["exact", "ignore"])) == ["exact", "ignore"]


def test_figures_that_are_missing_are_a_dash():
    """One seed has no interval, without `ignore` nothing has a cost, and a diverged head has no score."""
    alone = made("one_step", [0.5], log=True)
    alone[0]["scores"] |= {"own": None, "like_visible": float("nan")}
    alone[0]["noise"] = float("nan")
    text = study_table({"one_step": alone})
    assert "nan" not in text.lower() and "| - / 0.60 |" in text
    pair = study_table({"ignore": made("ignore", [0.5]), "one_step": alone})
    assert "nan" not in pair.lower() and "| +0.00 | - |" in pair
    alone[0]["scores"]["test"] = float("nan")
    assert "nan" not in study_table({"ignore": made("ignore", [0.5]), "one_step": alone}).lower()


def test_broken_trainings_are_left_out_and_said():
    """A training that becomes NaN has no score; the rest of its row is compared over the seeds that are left."""
    cells = {"ignore": made("ignore", [0.5, 0.9, 0.5]), "exact": made("exact", [0.1, 0.6, 0.7])}
    cells["exact"][0]["scores"] = {}
    cells["ignore"][1]["scores"]["test"] = float("nan")
    assert differences(cells, "ignore")["exact"].difference[:1] == pytest.approx((0.2,))
    text = study_table(cells)
    assert "`exact`: 1 of 3 seeds broke (0): the fusion rule or a fresh head diverged." in text
    assert "`ignore`: 1 of 3 seeds broke (1)" in text and "| 65.0 | 40.0 |" in text
