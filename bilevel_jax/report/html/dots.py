"""Every metric of a table as a dot plot: one line a row, an interval behind the dot."""

import math

from bilevel_jax.report.html.content import Metric, Table
from bilevel_jax.report.html.markup import as_float, element, number, text
from bilevel_jax.report.html.ranks import best_rows

MAX_ROWS = 12  # of one plot; the best and the highlighted


def dot_plots(table: Table) -> str:
    """One plot a metric, the best row first; "" where there is nothing to compare."""
    plots = [_plot(table, metric) for metric in table.metrics]
    return element("div", plots, class_="dots") if any(plots) else ""


def _plot(table: Table, metric: Metric) -> str:
    values = {row: as_float(cells.get(metric.name)) for row, cells in table.rows.items()}
    values = {row: value for row, value in values.items() if math.isfinite(value)}
    if len(values) < 2:
        return ""
    order = sorted(values, key=values.get, reverse=metric.better != "down")
    kept = set([row for row in order if row in table.highlighted][:MAX_ROWS])
    for row in order:
        if len(kept) < MAX_ROWS:
            kept.add(row)
    shown = [row for row in order if row in kept]
    ends = {row: _interval(table, row, metric, values[row]) for row in shown}
    low, high = min(end[0] for end in ends.values()), max(end[1] for end in ends.values())
    span = (high - low) or 1.0
    best = best_rows(table, metric)
    lines = []
    for row in shown:
        place, left, right = (100 * (v - low) / span for v in (values[row], *ends[row]))
        marks = element("i", "", class_="range", style=f"left:{left:.2f}%;width:{right - left:.2f}%")
        marks += element("i", "", class_="dot", style=f"left:{place:.2f}%")
        cells = [
            element("span", text(row), class_="name", title=row),
            element("span", marks, class_="track"),
            element("span", number(values[row], metric.digits), class_="figure"),
        ]
        classes = ["best"] * (row in best) + ["ours"] * (row in table.highlighted)
        classes += ["reference"] * (row in table.references)
        lines.append(element("li", cells, class_=" ".join(classes) or None))
    better = {"up": "right is better", "down": "left is better", "": ""}[metric.better]
    unit = element("span", f" {text(metric.unit)}", class_="unit") if metric.unit else ""
    rest = f"{len(shown)} of {len(values)} rows" if len(shown) < len(values) else ""
    axis = element("span", number(low, metric.digits)) + element("span", number(high, metric.digits))
    note = "; ".join(part for part in (better, rest) if part)
    return element(
        "figure",
        [
            element("h4", text(metric.name) + unit + (element("small", text(note)) if note else "")),
            element("ol", lines),
            element("p", axis, class_="axis"),
        ],
        class_="dotplot",
    )


def _interval(table: Table, row: str, metric: Metric, value: float) -> tuple[float, float]:
    low, high = table.intervals.get(row, {}).get(metric.name, (value, value))
    low, high = as_float(low), as_float(high)
    return (min(low, value), max(high, value)) if math.isfinite(low) and math.isfinite(high) else (value, value)
