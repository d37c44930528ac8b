"""The leaderboard on folders whose ranks are known beforehand, and on real pairs if there are any."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.leaderboard.image_scores import ImageScores, score_images
from bilevel_jax.evaluation.leaderboard.leaderboard import make_leaderboard
from bilevel_jax.evaluation.leaderboard.leaderboard_text import leaderboard_text, warnings
from bilevel_jax.evaluation.leaderboard.score_file import read_scores, write_scores
from bilevel_jax.images.files import read_image, write_image
from bilevel_jax.metrics import fusion

DATA = os.environ.get("BILEVEL_JAX_TEST_DATA")


def test_ranks_and_warnings(scores):
    board = make_leaderboard(scores, ["average", "max"], draws=100)
    assert board.ranked == fusion.NINE and board.against == 0
    rows = {row.name: row for row in board.rows}
    # Equal images share their ranks, and grey comes behind them by every measure of contrast.
    assert rows["copy"].ranks == rows["max"].ranks and rows["copy"].place == rows["max"].place
    assert all(rows["grey"].ranks[name] == 4 for name in ("EN", "SD", "SF", "AG"))
    for row in board.rows:
        assert row.field == 4 and row.mean_rank == pytest.approx(np.mean(list(row.ranks.values())))
        assert row.mean_rank_interval[0] <= row.mean_rank <= row.mean_rank_interval[1]
        for metric, (low, high) in row.intervals.items():
            if metric == "MS-SSIM":
                assert np.isnan(low) and np.isnan(row.means[metric])  # it needs larger images
                continue
            column = scores.values[row.name][:, scores.metrics.index(metric)]
            assert column.min() - 1e-9 <= low <= row.means[metric] <= high <= column.max() + 1e-9
    assert sum(row.mean_rank for row in board.rows) == pytest.approx(1 + 2 + 3 + 4)
    # No baseline beats its own copy; grey is beaten, and its 95 % intervals say so.
    beaten = {(win.method, win.baseline) for win in board.wins}
    assert ("grey", "average") in beaten and ("copy", "max") not in beaten
    assert any(win.clear for win in board.wins if win[:3] == ("grey", "average", "SF"))
    (first, second) = (text for text in warnings(board) if text.startswith("grey "))
    assert "average on EN*, SD*, SF*, AG*" in first and "without learning:" in second


def test_lower_is_better_where_the_family_says_so():
    metrics = tuple(fusion.FAMILIES["vifb"])
    values = {name: np.full((2, len(metrics)), level) for name, level in (("low", 1.0), ("high", 2.0))}
    board = make_leaderboard(ImageScores(("a", "b"), metrics, values), [], "vifb", draws=10)
    ranks = {row.name: row.ranks for row in board.rows}
    assert ranks["low"]["Rmse"] == ranks["low"]["Qcv"] == ranks["low"]["Cross_entropy"] == 1
    assert ranks["low"]["Qabf"] == 2 and len(ranks["low"]) == 13


def test_published_figures(scores, tmp_path):
    path = tmp_path / "published.csv"
    write_scores(path, scores)
    again = read_scores(path, scores.names)
    for method, values in scores.values.items():
        np.testing.assert_allclose(again.values[method], values, rtol=1e-6)
    # Others published two metrics for two methods, one of them of a name that is scored here too.
    with path.open("w", newline="") as file:
        rows = [["image", "method", "SF", "Nabf", "EN"]]
        for name in ("c", "a", "b", "another"):
            rows += [[name, "weak", 0, 0, 0], [name, "copy", 1e3, 0, ""]]
        csv.writer(file).writerows(rows)
    published = read_scores(path, scores.names)
    assert np.isnan(published.values["copy"][:, 2]).all()
    board = make_leaderboard(scores, ["average", "max"], published=published, draws=20)
    assert board.ranked == ("EN", "SF") and board.against == 2
    rows = {(row.name, row.kind): row for row in board.rows}
    # Alone among the published ones: "copy" takes the place of its namesake, so it meets "weak" alone.
    assert rows["copy", "method"].field == 2 and rows["copy", "method"].ranks == {"EN": 1, "SF": 1}
    assert rows["max", "baseline"].field == 3 and rows["max", "baseline"].ranks == {"EN": 1, "SF": 2}
    assert rows["weak", "published"].ranks == {"EN": 1, "SF": 2} and rows["copy", "published"].ranks["EN"] == 2
    assert rows["weak", "published"].mean_rank_interval is None
    assert "among the 2 published ones" in leaderboard_text(board)


def test_published_figures_of_other_metrics(scores):
    other = ImageScores(scores.names, ("FID",), {"m": np.zeros((3, 1))})
    with pytest.raises(InputError, match="FID; expected some of EN"):
        make_leaderboard(scores, [], published=other)


def test_undefined_values_are_said_and_left_out(root, tmp_path):
    for name in ("a", "b", "c"):
        copied = read_image(root / "vi" / f"{name}.png") if name == "b" else read_image(root / "copy" / f"{name}.png")
        write_image(tmp_path / "m" / f"{name}.png", copied)
    board = make_leaderboard(score_images(root / "ir", root / "vi", {"m": tmp_path / "m"}, []), [], draws=10)
    scd = board.scores.values["m"][:, board.scores.metrics.index("SCD")]
    assert np.isnan(scd[1]) and board.rows[0].means["SCD"] == pytest.approx(scd[[0, 2]].mean())
    assert "SCD is undefined for b (m) and left out of the mean: the fused image and the visible" in leaderboard_text(
        board
    )


@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="BILEVEL_JAX_TEST_DATA names no folder of real pairs")
def test_vifb_against_the_published_methods():
    """The floor of a learned model: by mean rank the saliency-weighted pyramid is fourth of 37."""
    vifb = Path(DATA) / "vifb"
    folders = {path.name: path for path in sorted((vifb / "fused").iterdir())}
    baselines = ["average", "max", "laplacian", "laplacian_saliency"]
    scores = score_images(vifb / "ir", vifb / "vi", folders, baselines)
    published = read_scores(vifb / "peers.csv", scores.names)
    board = make_leaderboard(scores, baselines, published=published)
    rows = {(row.name, row.kind): row for row in board.rows}
    # The images of four methods and the maximum are scored as they were scored for the CSV.
    for name in ("max", *folders):
        for metric in fusion.NINE:
            own = scores.values[name][:, scores.metrics.index(metric)]
            np.testing.assert_allclose(own, published.values[name][:, published.metrics.index(metric)], rtol=1e-4)
    floor = rows["laplacian_saliency", "baseline"]
    stated = dict(EN=7.40, SD=57.8, SF=20.0, AG=6.33, MI=3.09, SCD=1.70, VIF=0.760, Qabf=0.610, SSIM=1.356)
    for metric, value in stated.items():
        assert floor.means[metric] == pytest.approx(value, rel=4e-3), metric
    assert floor.field == 37 and floor.place == 4 and floor.mean_rank == pytest.approx(10.0, abs=0.2)
    assert [row.name for row in board.rows if row.kind == "published"][:3] == ["HMSD_GF", "CNN", "Hybrid_MSD"]
