"""Curves of a run over its steps."""

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bilevel_jax.atomic import replacing
from bilevel_jax.errors import InputError
from bilevel_jax.report.metrics_writer import read_metrics


def plot_curves(metrics: str | os.PathLike, path: str | os.PathLike, panels: Sequence[str] | None = None) -> None:
    """Draws the scalars of a metrics.jsonl over the steps and writes the picture to `path`, whole or not at all.

    What stands before the first slash of a name chooses the panel ("loss/visual" and "loss/semantic" share "loss"), so
    that losses, rho and lambda each have their own; so has every figure under "time".

    Args:
        metrics: a metrics.jsonl.
        path: the picture; the suffix chooses the format.
        panels: the panels to draw, in order; all, in the order of their first appearance, where none are given.

    Raises:
        InputError: no such record to draw, or `path` cannot be written.
    """
    curves = _curves(read_metrics(metrics))
    if panels is not None:
        curves = {panel: curves[panel] for panel in panels if panel in curves}
    if not curves:
        raise InputError(f"{metrics} holds nothing to draw; expected lines with a step and scalars.")
    columns = min(3, len(curves))
    rows = math.ceil(len(curves) / columns)
    # A figure of its own, without pyplot: no global state, no window, no leak over a long run.
    figure = Figure(figsize=(5 * columns, 3.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for number, (panel, lines) in enumerate(curves.items(), start=1):
        axes = figure.add_subplot(rows, columns, number, title=panel, xlabel="step")
        for name, (steps, values) in lines.items():
            _draw(axes, np.array(steps), np.array(values, np.float64), name)
        axes.grid(alpha=0.3)
        if list(lines) != [panel]:
            axes.legend(fontsize="small")
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110)


def _draw(axes: Axes, steps: np.ndarray, values: np.ndarray, name: str) -> None:
    """One curve; a long one as its mean over 1/50 of its points, with the points themselves pale behind it."""
    span = len(steps) // 50
    if span < 4:
        axes.plot(steps, values, linewidth=1.0, marker="." if len(steps) < 30 else None, label=name)
        return
    (points,) = axes.plot(steps, values, linewidth=0.6, alpha=0.25)
    # NaN (a null) must not spread over the window: the mean is over the known values.
    known = np.isfinite(values)
    window = np.ones(span)
    total = np.convolve(np.where(known, values, 0.0), window, "valid")
    count = np.convolve(known.astype(float), window, "valid")
    mean = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0.5)
    axes.plot(steps[span - 1 :], mean, linewidth=1.4, color=points.get_color(), label=name)


def _curves(records: list[dict[str, Any]]) -> dict[str, dict[str, tuple[list[int], list[float]]]]:
    """panel -> name -> (steps, values); null is drawn as a gap."""
    curves: dict[str, dict[str, tuple[list[int], list[float]]]] = {}
    for record in records:
        for key, value in record.items():
            if key == "step" or not (value is None or isinstance(value, int | float)):
                continue
            panel, _, name = key.partition("/")
            # Times and rates have no common unit: each its own panel. "images/s" is a unit itself.
            panel, name = (key, key) if panel in ("time", "images") else (panel, name or panel)
            steps, values = curves.setdefault(panel, {}).setdefault(name, ([], []))
            steps.append(record["step"])
            values.append(math.nan if value is None else value)
    return curves
