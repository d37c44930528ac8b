"""What a run tells people: figures by step, picture sheets, curves, tables."""

from bilevel_jax.report.curve_plot import plot_curves
from bilevel_jax.report.metrics_writer import MetricsWriter, read_metrics
from bilevel_jax.report.picture_sheet import MSRS_PALETTE, Cell, draw_cell, label_colors, picture_sheet
from bilevel_jax.report.text_table import format_table

__all__ = [
    "MSRS_PALETTE",
    "Cell",
    "MetricsWriter",
    "draw_cell",
    "format_table",
    "label_colors",
    "picture_sheet",
    "plot_curves",
    "read_metrics",
]
