"""The leaderboard on folders whose ranks are known beforehand, and on real pairs where there are any."""

import csv
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.commands.evaluate import evaluate_command
from bilevel_jax.commands.evaluate_leaderboard import named_folders
from bilevel_jax.errors import InputError, run_command
from bilevel_jax.evaluation.leaderboard.image_scores import ImageScores, read_scores, score_images, write_scores
from bilevel_jax.evaluation.leaderboard.leaderboard import make_leaderboard
from bilevel_jax.evaluation.leaderboard.leaderboard_text import leaderboard_text, warnings
from bilevel_jax.images.files import read_image, write_image
from bilevel_jax.inference import TrivialFuser, fuse_files
from bilevel_jax.metrics import fusion

DATA = os.environ.get("BILEVEL_JAX_TEST_DATA")
SIZE = (51, 64)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three pairs, and two methods: the maximum itself, and one that blurs all it sees into one grey."""
    root, rng = tmp_path_factory.mktemp("pairs"), np.random.default_rng(0)
    for name in ("a", "b", "c"):
        for camera in ("ir", "vi"):
            write_image(root / camera / f"{name}.png", rng.integers(0, 256, SIZE).astype(np.uint8))
        write_image(root / "grey" / f"{name}.jpg", np.full(SIZE, 128, np.uint8) + rng.integers(0, 2, SIZE).astype("u1"))
    fuse_files(TrivialFuser("max"), root / "ir", root / "vi", root / "copy")
    return root


@pytest.fixture(scope="module")
def scores(root):
    folders = {"copy": root / "copy", "grey": root / "grey"}
    return score_images(root / "ir", root / "vi", folders, ["average", "max"])


def test_scores_are_those_of_the_metrics(root, scores):
    assert scores.names == ("a", "b", "c") and list(scores.values) == ["copy", "grey", "average", "max"]
    expected = fusion.evaluate(*(read_image(root / part / "b.png") for part in ("ir", "vi", "copy")))
    np.testing.assert_array_equal(scores.values["copy"][1], [expected[name] for name in scores.metrics])
    np.testing.assert_array_equal(scores.values["copy"], scores.values["max"])


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,SF\na,1\n", "starts with image,SF; expected the columns image,method"),
        ("image,method,SF\na,m,one\n", "line 2 has SF 'one'"),
        ("image,method,SF\na,m\n", "line 2 has 2 cells; expected 3"),
        ("image,method,SF\na,m,1\na,m,1\n", "line 3 repeats a of m, which is on line 2"),
        ("image,method,SF\na,m,1\n", r"no row of m for 1 image\(s\) \(b\)"),
        ("image,method,SF\n", "holds no row"),
        ("", "starts with nothing"),
    ],
)
def test_a_bad_csv(tmp_path, text, message):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_scores(tmp_path / "p.csv", ["a", "b"])


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


def test_the_command(root, tmp_path, capsys):
    flags = [f"--ir={root / 'ir'}", f"--vis={root / 'vi'}", f"--fused=ours={root / 'copy'}", f"--fused={root / 'grey'}"]
    assert run_command(evaluate_command, ["evaluate.py", *flags, f"--out={tmp_path}", f"--report={tmp_path}"]) == 0
    said = capsys.readouterr().out
    assert "Means over 3 images" in said and "warning: grey is beaten" in said
    rows = json.loads((tmp_path / "leaderboard.json").read_text())["rows"]
    assert {"ours", "grey", "average", "max", "laplacian", "laplacian_saliency"} == {row["name"] for row in rows}
    page = (tmp_path / "index.html").read_text()
    assert "laplacian_saliency" in page and "grey is beaten" in page and "data:image" in page
    assert "| ours " in (tmp_path / "leaderboard.md").read_text()
    assert read_scores(tmp_path / "per_image.csv", ["a", "b", "c"]).metrics == tuple(fusion.FAMILIES["paper"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root, tmp: [f"--fused={tmp / 'none'}"], "none is no folder"),
        (lambda root, tmp: [f"--fused=m={tmp}"], r"m misses 3 of 3 images \(a, b, c\)"),
        (lambda root, tmp: [f"--fused=max={root / 'grey'}"], "'max', and a method without learning has that name"),
        (lambda root, tmp: [f"--fused={root / 'grey'}"] * 2, "'grey', and the folder .* has that name already"),
        (lambda root, tmp: ["--workdir=w"], "--workdir and --ir are both given"),
        (lambda root, tmp: ["--published=nowhere.csv"], "nowhere.csv cannot be read"),
        (lambda root, tmp: ["--vis="], "--vis is missing"),
    ],
)
def test_bad_usage(root, tmp_path, capsys, monkeypatch, change, message):
    # Scoring is not what is refused here: no method without learning, and no compilation.
    monkeypatch.setattr(
        "bilevel_jax.metrics.fusion.evaluate", lambda *a, **k: dict.fromkeys(fusion.FAMILIES["paper"], 1)
    )
    flags = [f"--ir={root / 'ir'}", f"--vis={root / 'vi'}", *change(root, tmp_path)]
    assert run_command(evaluate_command, ["evaluate.py", *flags]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert re.search(message, said[-1]), said


def test_sizes_that_differ_name_the_files(root, tmp_path):
    for name in ("a", "b", "c"):
        write_image(tmp_path / "m" / f"{name}.png", np.zeros((64, 51), np.uint8))
    with pytest.raises(InputError, match=r"m/a.png has 51 x 64 pixels and .*ir/a.png 64 x 51"):
        score_images(root / "ir", root / "vi", {"m": tmp_path / "m"}, [])


def test_names_of_folders():
    assert named_folders(["runs/x/fused/", "y=runs/y/fused"], "fused") == {
        "fused": Path("runs/x/fused"),
        "y": Path("runs/y/fused"),
    }


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
