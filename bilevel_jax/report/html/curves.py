"""Curves over the steps: sorts the figures of a metrics.jsonl into charts and reduces them to a few hundred points."""

import math
from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from bilevel_jax.report import metric_names
from bilevel_jax.report.html.content import Panel
from bilevel_jax.report.html.markup import as_float
from bilevel_jax.report.metrics_writer import MetricsRecord, step_of

MAX_POINTS = 240  # of one line; a chart is about twice as many pixels wide
UNITS = {metric_names.STEP_SECONDS: "s", metric_names.IMAGES_PER_SECOND: "images/s"}
TITLES = {metric_names.STEP_SECONDS: "Time of a step", metric_names.IMAGES_PER_SECOND: "Throughput"}
Lines = dict[str, tuple[list[int], list[float]]]  # name -> steps, values


class LineData(TypedDict):
    """One line of a chart for the page's script."""

    name: str
    points: list[list[float | None]]  # [x, mean, least, greatest]; null is a gap
    span: int  # logged steps that one point stands for


class ChartData(TypedDict):
    """One chart for the page's script."""

    title: str
    unit: str
    xLabel: str
    marks: list[tuple[float, str]]
    low: float
    high: float
    clipped: bool  # whether the y axis leaves out a few far points
    lines: list[LineData]


def curve_panels(records: Sequence[MetricsRecord]) -> list[Panel]:
    """The panels of a run: losses, rho, task weights, gradient conflict, norms, terms, times.

    Args:
        records: from `read_metrics`. Their "phase" says where the warm start ends.
    """
    lines: dict[str, Lines] = {}
    for record in records:
        for key, value in record.items():
            if key == "step" or isinstance(value, bool | str):
                continue
            panel, name = _place(key)
            steps, values = lines.setdefault(panel, {}).setdefault(name, ([], []))
            steps.append(step_of(record))
            values.append(as_float(value))
    warm = [step_of(record) for record in records if record.get("phase") == metric_names.WARM_START]
    others = len(warm) < len(records)
    marks = [(max(warm), "warm start ends")] if warm and others else []
    order = {title: place for place, title in enumerate(_ORDER)}
    panels = sorted(lines, key=lambda title: order.get(title, len(order)))
    return [_panel(title, lines[title], marks) for title in panels]


_ORDER = (
    "Outer losses",
    "Inner losses",
    "Warm start",
    "Task weights λ",
    "Correction ρ",
    "Gradient conflict",
)


def _place(key: str) -> tuple[str, str]:
    """Chooses the panel and the line of one figure. Figures of different units do not share a panel."""
    metric = metric_names.parse(key)
    match metric:
        case (metric_names.LOSS, "", metric_names.WARM_START):
            return "Warm start", "loss"
        case (metric_names.TERM, metric_names.WARM_START, name):
            return "Warm start", name
        case (metric_names.LOSS, task, (metric_names.INNER | metric_names.OUTER) as level):
            return f"{level.capitalize()} losses", task
        case (metric_names.WEIGHT, task, ""):
            return "Task weights λ", task
        case (metric_names.RHO, task, ""):
            return "Correction ρ", task
        case (metric_names.GRADIENT, "", name):
            return "Gradient conflict", name.removeprefix(f"{metric_names.COSINE}/")
        case (metric_names.GRADIENT, task, name):
            return f"Hypergradients: {name.replace('_', ' ')}", task
        case (metric_names.TERM, task, name):
            return f"Terms of the {task} task", name
        case (metric_names.NORM, _, _):
            return "Norms", metric.after_quantity.replace("_", " ")
        case (metric_names.TIME, _, _):
            return TITLES.get(key, key), key
    return metric.quantity, metric.after_quantity or key


def _panel(title: str, lines: Lines, marks: Sequence[tuple[float, str]]) -> Panel:
    first, last = min(steps[0] for steps, _ in lines.values()), max(steps[-1] for steps, _ in lines.values())
    note = ""
    low, high = None, None
    if title == "Gradient conflict":
        values = np.array([v for _, own in lines.values() for v in own])
        known = values[np.isfinite(values)]
        share = 100 * float(np.mean(known < 0)) if known.size else math.nan
        low, high = -1.0, 1.0
        note = "Cosine between the tasks' hypergradients; below 0 they pull apart"
        counted = "logged steps" if len(lines) == 1 else "logged cosines"
        note += f": at {share:.0f} % of the {known.size} {counted}." if known.size else "."
    elif title == "Task weights λ":
        note = "The share of each task in the outer update."
    elif title == "Correction ρ":
        note = "The scalar before the inner gradient in the one-step hypergradient; 0 = no correction."
    unit = next((UNITS[name] for name in lines if name in UNITS), "")
    return Panel(title, lines, unit, "step", note, [m for m in marks if first <= m[0] < last], low, high)


def chart_data(panel: Panel) -> ChartData:
    """The data that the page's script draws: at most `MAX_POINTS` points a line, and the y axis."""
    lines: list[LineData] = []
    for name, (x, y) in panel.lines.items():
        points, span = _thinned(np.asarray(x, np.float64), np.array([as_float(v) for v in y], np.float64))
        lines.append({"name": name, "points": points, "span": span})
    low, high, clipped = _axis(panel, [p[1] for line in lines for p in line["points"] if p[1] is not None])
    return {
        "title": panel.title,
        "unit": "" if panel.unit == "1" else panel.unit,
        "xLabel": panel.x_label,
        "marks": [(float(x), label) for x, label in panel.marks],
        "low": low,
        "high": high,
        "clipped": clipped,
        "lines": lines,
    }


def _thinned(x: np.ndarray, y: np.ndarray) -> tuple[list[list[float | None]], int]:
    """The points, or their means over windows of equal length with the least and the greatest; and that length."""
    span = max(1, math.ceil(len(x) / MAX_POINTS))
    points = []
    for start in range(0, len(x), span):
        part = y[start : start + span]
        known = part[np.isfinite(part)]
        place = _short(float(np.mean(x[start : start + span])))
        values = [_short(float(v)) for v in (known.mean(), known.min(), known.max())] if known.size else [None] * 3
        points.append([place, *values])
    return points, span


def _axis(panel: Panel, values: list[float]) -> tuple[float, float, bool]:
    """Ends of the y axis, and whether it leaves out a few far points (such as the first step's compilation)."""
    if not values:
        return 0.0, 1.0, False
    low, high = min(values), max(values)
    near, far = np.quantile(values, (0.01, 0.99))
    clipped = bool(len(values) >= 50 and far > near and high - low > 4 * (far - near))
    if clipped:
        low = low if near - low < far - near else float(near)
        high = high if high - far < far - near else float(far)
    low = low if panel.low is None else panel.low
    high = high if panel.high is None else panel.high
    # A constant curve lies in the middle of its chart.
    room = 0.06 * (high - low) or 0.5 * abs(high) or 0.5
    return low - (room if panel.low is None else 0), high + (room if panel.high is None else 0), clipped


def _short(value: float) -> float:
    return float(f"{value:.6g}")
