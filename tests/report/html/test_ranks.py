"""Which figures of a table are marked as the best."""

import re

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
