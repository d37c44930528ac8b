"""A table's compared rows as polygons over its metrics."""

import math

from bilevel_jax.report.html.content import Table
from bilevel_jax.report.html.markup import as_float, element, number, text
from bilevel_jax.report.html.ranks import mean_ranks, rank_rows

MAX_ROWS = 6  # more polygons hide one another
RADIUS, CENTRE_X, CENTRE_Y, WIDTH, HEIGHT = 105.0, 200.0, 150.0, 400, 300
INNERMOST = 0.15  # where the worst row stands: in the middle its polygon would have no shape


def radar_chart(table: Table) -> str:
    """One axis a metric from the worst row shown (inside) to the best (outside).

    "" for fewer than two compared rows or three metrics that each of them has. Of many rows the highlighted ones are
    shown, then those of the lowest mean rank.
    """
    rows = _chosen(table)
    axes = []
    for metric in table.metrics:
        values = [as_float(table.rows[row].get(metric.name)) for row in rows]
        if metric.better and all(map(math.isfinite, values)) and len(set(values)) > 1:
            axes.append((metric, values))
    if len(axes) < 3 or len(rows) < 2:
        return ""
    spokes = [_point(i, len(axes), 1.0) for i in range(len(axes))]
    marks = []
    for share in (0.25, 0.5, 0.75, 1.0):
        marks.append(element("polygon", points=_points([_point(i, len(axes), share) for i in range(len(axes))])))
    marks += [element("line", x1=CENTRE_X, y1=CENTRE_Y, x2=f"{x:.1f}", y2=f"{y:.1f}") for x, y in spokes]
    shapes, legend = [], []
    for place, row in enumerate(rows):
        corners = []
        for i, (metric, values) in enumerate(axes):
            low, high = min(values), max(values)
            share = (values[place] - low) / (high - low)
            share = share if metric.better == "up" else 1 - share
            corners.append(_point(i, len(axes), INNERMOST + (1 - INNERMOST) * share))
        shapes.append(element("polygon", element("title", text(row)), points=_points(corners), class_=f"c{place}"))
        legend.append(element("li", element("span", text(row)), class_=f"c{place}"))
    drawing = element("g", marks, class_="grid") + element("g", shapes, class_="shapes")
    drawing += "".join(_label(i, axes) for i in range(len(axes)))
    picture = element(
        "svg",
        drawing,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=f"{table.title}: all metrics of each row",
    )
    compared = sum(row not in table.references for row in table.rows)
    which = f"{len(rows)} of {compared} rows, by mean rank. " if len(rows) < compared else ""
    which += "Each axis runs from the worst of these rows (inside) to the best (outside)."
    note = element("p", text(which), class_="note")
    return element("figure", [picture, element("ul", legend, class_="legend"), note], class_="radar")


def _chosen(table: Table) -> list[str]:
    rows = [row for row in table.rows if row not in table.references]
    if len(rows) <= MAX_ROWS:
        return rows
    means = mean_ranks(rank_rows(table), table.metrics)
    means = {row: means.get(row, math.nan) for row in rows}
    known = sorted((row for row in rows if math.isfinite(means[row])), key=means.get)
    return list(dict.fromkeys([*(row for row in known if row in table.highlighted), *known]))[:MAX_ROWS]


def _label(i: int, axes: list) -> str:
    metric, values = axes[i]
    x, y = _point(i, len(axes), 1.13)
    anchor = "middle" if abs(x - CENTRE_X) < 12 else ("start" if x > CENTRE_X else "end")
    best = (min if metric.better == "down" else max)(values)
    lines = element("tspan", text(metric.name)) + element(
        "tspan", text(number(best, metric.digits)), x=f"{x:.1f}", dy="1.15em", class_="figure"
    )
    return element("text", lines, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor)


def _point(i: int, count: int, share: float) -> tuple[float, float]:
    angle = 2 * math.pi * i / count - math.pi / 2
    return CENTRE_X + RADIUS * share * math.cos(angle), CENTRE_Y + RADIUS * share * math.sin(angle)


def _points(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
