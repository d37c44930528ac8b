"""Ranks of a table's rows, and which figures are marked as the best."""

import re

import numpy as np

from bilevel_jax.report import html
from bilevel_jax.report.html.ranks import best_rows


def test_only_a_figure_that_no_other_row_has_is_the_best(tmp_path):
    rows = {"a": {"SSIM": 1.0, "Qcv": 3.0, "VIF": 0.5}, "b": {"SSIM": 1.0, "Qcv": 2.0, "VIF": 0.5}}
    rows["c"] = {"SSIM": 0.5, "Qcv": 2.5, "VIF": 0.5}
    table = html.Table("t", [html.Metric("SSIM"), html.Metric("Qcv", better="down"), html.Metric("VIF")], rows)
    assert [best_rows(table, metric) for metric in table.metrics] == [set(), {"b"}, set()]
    html.write_report(tmp_path / "page.html", html.Report("x", tables=[table]))
    page = (tmp_path / "page.html").read_text()
    assert re.findall(r'<td class="best"[^>]*>([\d.]+)', page)[0] == "2.000" and ">0.500</td>" in page
    # Two rows that share everything share the lowest mean rank too, and neither is marked.
    shared = html.Table(
        "t", table.metrics, {"a": rows["a"], "b": rows["a"], "c": {"SSIM": 0.1, "Qcv": 9.0, "VIF": 0.1}}
    )
    html.write_report(tmp_path / "shared.html", html.Report("x", tables=[shared]))
    assert '<td class="best"' not in (tmp_path / "shared.html").read_text()


def test_ranks_share_ties_and_leave_out_the_undefined():
    metrics = [html.Metric("a"), html.Metric("b", "down"), html.Metric("c", "")]
    rows = {"x": {"a": 2, "b": 1, "c": 9}, "y": {"a": 2, "b": 5}, "z": {"a": 1, "b": float("nan")}, "ref": {"a": 99}}
    table = html.Table("t", metrics, rows, references=["ref"])
    ranks = html.rank_rows(table)
    assert ranks == {"x": {"a": 1.5, "b": 1}, "y": {"a": 1.5, "b": 2}, "z": {"a": 3}}
    means = html.mean_ranks(ranks, metrics)
    assert (means["x"], means["y"]) == (1.25, 1.75) and np.isnan(means["z"])
