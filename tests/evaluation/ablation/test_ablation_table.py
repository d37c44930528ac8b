"""The ablation's table from made-up results: ranks, groups, spread, differences, failures."""

import numpy as np
import pytest

from bilevel_jax.evaluation.ablation.ablation_rows import ablation_rows
from bilevel_jax.evaluation.ablation.ablation_table import ablation_table
from bilevel_jax.evaluation.ablation.ablation_text import ablation_text
from bilevel_jax.evaluation.ablation.train_row import METHOD, Result, Trained, training_figures
from bilevel_jax.evaluation.image_measures import MEASURES
from bilevel_jax.evaluation.leaderboard.image_scores import ImageScores
from bilevel_jax.report.metrics_writer import MetricsWriter
from bilevel_jax.training.config import default_config

NAMES = ("1D", "2D", "3N")


def scores(values, method=METHOD):
    return ImageScores(("a", "b"), tuple(MEASURES), {method: np.full((2, 9), float(values))})


def cell(hits):
    """Each image has a person, labelled right where `hits` says so, and a road that always is."""
    confusions = [[[hit, 1 - hit], [0, 1]] for hit in hits]
    groups = ["day", "day", "night"]
    cell = {"split": "val", "scores": {}, "names": NAMES, "groups": groups, "classes": ["person", "road"]}
    return cell | {"confusions": confusions}


def result(value, hits, **training):
    training = {"step_s": 0.1, "rho": {}, "correction": {"visual": 0.5}} | training
    return Result("", Trained(training, scores(value), cell(hits)))


def test_figures_of_rows():
    rows = ablation_rows(default_config())
    results = {
        "fusion_only": {0: result(3, (1, 0, 0)), 1: result(3, (1, 1, 0))},
        "ignore": {0: result(1, (1, 1, 1)), 1: result(1, (1, 1, 1), rho={"visual": -2.0})},
        "joint": {0: result(2, (1, 1, 1)), 1: Result("loss is nan", None)},
    }
    published = ImageScores(("a", "b"), tuple(MEASURES), {"one": np.full((2, 9), 2.5), "two": np.full((2, 9), 0.5)})
    table = ablation_table(rows, results, published)
    assert list(table["rows"]) == ["fusion_only", "joint", "ignore"] and table["against"] == 2
    ranks = {name: row["figures"]["mean_rank"] for name, row in table["rows"].items()}
    assert ranks == {"fusion_only": [1.0, 1.0], "joint": [2.0], "ignore": [2.0, 2.0]}
    among_rows = ablation_table(rows, results)["rows"]
    assert {name: row["figures"]["mean_rank"] for name, row in among_rows.items()} == {
        "fusion_only": [1.0, 1.0], "joint": [2.0], "ignore": [3.0, 2.0],
    }  # fmt: skip
    found = table["rows"]["fusion_only"]["figures"]
    # IoU of persons: hits over persons and of roads: 3 over 3 and the missed persons.
    assert found["IoU/person"] == pytest.approx([1 / 3, 2 / 3]) and found["IoU/road"] == pytest.approx([3 / 5, 3 / 4])
    assert found["day:IoU/person"] == pytest.approx([1 / 2, 1.0]) and found["night:IoU/person"] == [0.0, 0.0]
    assert found["ms a step"] == [100.0, 100.0]
    assert table["rows"]["joint"]["failed"] == {"1": "loss is nan"} and table["rows"]["joint"]["seeds"] == [0]
    difference = table["rows"]["fusion_only"]["difference"]
    assert difference["mean"] == pytest.approx(np.mean([7 / 15, 17 / 24]) - 1) and difference["bounds"][1] <= 0
    assert table["rows"]["joint"]["difference"]["mean"] == 0.0  # of the seed that both have
    text = ablation_text(table, markdown=True)
    assert "| 50.0 ± 23.6 " in text and "- joint, seed 1 failed: loss is nan" in text
    # Rows are chosen by it, so it is val.
    assert "reaches on val, 3 pairs (they choose weights: no test figures), and" in text
    assert "among 2 published methods" in text and "day:mIoU_all" in text


def test_the_time_of_a_step_counts_each_kind_with_its_median(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        writer.write(1, {"phase": "warm_start", "time/step_s": 50.0})
        for step, seconds in enumerate([9.0, 1.0, 7.0, 1.0, 1.0, 4.0], 2):  # the first of each kind compiles
            outer = (
                {"norm/outer_update": 1.0, "rho/visual": float(step), "correction/visual": 0.5} if step % 3 == 1 else {}
            )
            writer.write(step, {"phase": "bilevel", "time/step_s": seconds, **outer})
    figures = training_figures(tmp_path / "metrics.jsonl")
    assert figures["step_s"] == pytest.approx((4 * 1.0 + 2 * 5.5) / 6)
    assert figures["rho"] == {"visual": 5.5} and figures["correction"] == {"visual": 0.5}
