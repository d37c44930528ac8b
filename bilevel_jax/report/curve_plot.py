"""Draws the curves of a run over its steps (curves.png)."""

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bilevel_jax.atomic import replacing
from bilevel_jax.errors import InputError
from bilevel_jax.report import metric_names
from bilevel_jax.report.metrics_writer import MetricsRecord, read_metrics, step_of

Curve = tuple[list[int], list[float]]  # steps, values
COLORS = 10  # of matplotlib's cycle; further curves of a panel have another style of line
STYLES = ("-", "--", ":", "-.")
LEGEND_LINES = 24  # that fit beside a panel in small letters


def plot_curves(metrics: str | os.PathLike, path: str | os.PathLike, panels: Sequence[str] | None = None) -> None:
    """Draws the numbers of a metrics.jsonl over the steps, with the legend of each panel beside it.

    The part of a name before the first slash chooses the panel: "loss/visual" and "loss/semantic" share the panel
    "loss". Each figure under "time" has a panel of its own, because times and rates have different units.

    Args:
        metrics: a metrics.jsonl.
        path: the picture; its suffix chooses the format. It is written completely or not at all.
        panels: the panels to draw, in order; None = all, in the order of their first appearance.

    Raises:
        InputError: there is no such record to draw, or `path` cannot be written.
    """
    curves = _curves(read_metrics(metrics))
    if panels is not None:
        curves = {panel: curves[panel] for panel in panels if panel in curves}
    if not curves:
        raise InputError(f"{metrics} holds nothing to draw; expected lines with a step and numbers.")
    columns = min(3, len(curves))
    rows = math.ceil(len(curves) / columns)
    # Without pyplot there is no global state, no window, and no memory that a long run leaks.
    figure = Figure(figsize=(6 * columns, 3.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for number, (panel, lines) in enumerate(curves.items(), start=1):
        axes = figure.add_subplot(rows, columns, number, title=panel, xlabel="step")
        for place, (name, (steps, values)) in enumerate(lines.items()):
            style = STYLES[place // COLORS % len(STYLES)]
            _draw(axes, np.array(steps), np.array(values, np.float64), name, color=f"C{place % COLORS}", style=style)
        axes.grid(alpha=0.3)
        if list(lines) != [panel]:
            # Beside the axes: inside, a legend of many tasks and terms would hide curves.
            axes.legend(
                fontsize="small" if len(lines) <= 15 else "x-small",
                labelspacing=0.3,
                loc="upper left",
                bbox_to_anchor=(1.0, 1.0),
                borderaxespad=0.2,
                ncols=math.ceil(len(lines) / LEGEND_LINES),
            )
    with replacing(Path(path)) as temporary:
        figure.savefig(temporary, dpi=110)


def _draw(axes: Axes, steps: np.ndarray, values: np.ndarray, name: str, *, color: str, style: str) -> None:
    """Draws one curve. A long one is drawn as its moving mean over 1/50 of its points, above the pale points."""
    span = len(steps) // 50
    if span < 4:
        marker = "." if len(steps) < 30 else None
        axes.plot(steps, values, linewidth=1.0, linestyle=style, marker=marker, color=color, label=name)
        return
    axes.plot(steps, values, linewidth=0.6, alpha=0.25, color=color)
    # The mean is over the known values, so that one NaN (null in the file) does not remove a whole window.
    known = np.isfinite(values)
    window = np.ones(span)
    total = np.convolve(np.where(known, values, 0.0), window, "valid")
    count = np.convolve(known.astype(float), window, "valid")
    mean = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0.5)
    axes.plot(steps[span - 1 :], mean, linewidth=1.4, linestyle=style, color=color, label=name)


def _curves(records: Iterable[MetricsRecord]) -> dict[str, dict[str, Curve]]:
    """panel -> name -> curve; null becomes NaN, which is drawn as a gap."""
    curves: dict[str, dict[str, Curve]] = {}
    for record in records:
        for key, value in record.items():
            if key == "step" or isinstance(value, str):
                continue
            metric = metric_names.parse(key)
            panel, name = metric.quantity, metric.after_quantity
            # "images/s" is a unit, not a panel with a name.
            panel, name = (key, key) if panel in (metric_names.TIME, "images") else (panel, name or panel)
            steps, values = curves.setdefault(panel, {}).setdefault(name, ([], []))
            steps.append(step_of(record))
            values.append(math.nan if value is None else value)
    return curves
