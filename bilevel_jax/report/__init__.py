"""What a run tells people: figures by step, picture sheets, curves, tables."""

from bilevel_jax.report.plots import plot_curves
from bilevel_jax.report.sheets import MSRS_PALETTE, Cell, draw_cell, label_colors, picture_sheet
from bilevel_jax.report.tables import format_table
from bilevel_jax.report.writers import MetricsWriter, read_metrics

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
