"""A report as one self-contained HTML page. It opens from disk, without a network, in any browser since 2021.

    from bilevel_jax.report import html

    scores = html.Scores(names, metrics, values)                  # figures of single images
    names = html.worth_showing(scores, "fused", count=12)         # the best and the worst images by each metric
    html.write_report(
        folder / "index.html",
        html.Report(
            title="Leaderboard",
            tables=[html.Table("Fusion quality", [html.Metric("SSIM"), html.Metric("Qcv", better="down")], rows)],
            pictures=[html.Picture(name, {"infrared": ir, "visible": vis, "fused": fused}) for name in names],
            scores=scores,
            environment=html.environment(),
            command=html.command_line(),
        ),
    )

Only the title is required. Names of files, rows and classes may hold any character: all texts are escaped. `content`
describes each part.
"""

from bilevel_jax.report.html.content import Box, Metric, Panel, Picture, Report, Scores, Section, Table
from bilevel_jax.report.html.curves import curve_panels
from bilevel_jax.report.html.extremes import extreme_labels, worth_showing
from bilevel_jax.report.html.origin import command_line, environment
from bilevel_jax.report.html.page import write_report
from bilevel_jax.report.html.ranks import mean_ranks, rank_rows

__all__ = [
    "Box",
    "Metric",
    "Panel",
    "Picture",
    "Report",
    "Scores",
    "Section",
    "Table",
    "command_line",
    "curve_panels",
    "environment",
    "extreme_labels",
    "mean_ranks",
    "rank_rows",
    "worth_showing",
    "write_report",
]
