"""A table of figures as a page shows it: sortable, with the best figures marked, and with ranks."""

import math

from bilevel_jax.report.html.content import Metric, Table
from bilevel_jax.report.html.markup import as_float, element, number, text
from bilevel_jax.report.html.ranks import Ranks, best_rows, mean_ranks, rank_rows

ARROWS = {"up": "↑", "down": "↓", "": ""}
MEANINGS = {"up": "higher is better", "down": "lower is better", "": "no direction is better"}


def table_section(table: Table) -> str:
    """The markup of one table below its heading; "" for a table without rows or metrics."""
    if not table.rows or not table.metrics:
        return ""
    ranks = rank_rows(table) if table.ranked else {}
    ranks = ranks if len(ranks) > 1 and any(ranks.values()) else {}
    parts = [element("p", text(table.note), class_="note") if table.note else "", _figures(table)]
    parts.append(_definitions(table))
    if ranks:
        parts += [element("h3", "Ranks"), _ranks(table, ranks)]
    return "".join(parts)


def _figures(table: Table) -> str:
    best = {metric.name: best_rows(table, metric) for metric in table.metrics}
    lines = []
    for row, cells in table.rows.items():
        line = [_row_head(table, row)]
        for metric in table.metrics:
            value = as_float(cells.get(metric.name))
            interval = table.intervals.get(row, {}).get(metric.name)
            shown = number(value, metric.digits)
            if interval is not None and math.isfinite(value):
                low, high = (number(end, metric.digits) for end in interval)
                shown += element("span", f"{low} – {high}", class_="interval")
            line.append(_cell(shown, value, best=row in best[metric.name]))
        lines.append(element("tr", line, class_=_row_class(table, row)))
    heads = [_head("", "text"), *(_head(m.name, m.better, m) for m in table.metrics)]
    return _frame(heads, lines, table.title)


def _ranks(table: Table, ranks: Ranks) -> str:
    metrics = [m for m in table.metrics if m.better and any(m.name in own for own in ranks.values())]
    means = mean_ranks(ranks, metrics)
    lowest = min((mean for mean in means.values() if math.isfinite(mean)), default=math.nan)
    alone = sum(mean == lowest for mean in means.values()) == 1
    lines = []
    for row, own in sorted(ranks.items(), key=lambda item: (math.isnan(means[item[0]]), means[item[0]])):
        line = [_row_head(table, row), _cell(number(means[row], 2), means[row], best=alone and means[row] == lowest)]
        for metric in metrics:
            rank = own.get(metric.name, math.nan)
            shade = 1 - (rank - 1) / max(1, len(ranks) - 1)
            line.append(_cell(f"{rank:g}" if math.isfinite(rank) else "-", rank, shade=shade))
        lines.append(element("tr", line, class_=_row_class(table, row)))
    heads = [_head("", "text"), _head("mean rank", "down"), *(_head(m.name, "down", arrow=False) for m in metrics)]
    return _frame(heads, lines, f"Ranks: {table.title}")


def _frame(heads: list[str], lines: list[str], label: str) -> str:
    content = element("thead", element("tr", heads)) + element("tbody", lines)
    # A table wider than the page scrolls in a frame of its own; tabindex lets the keyboard reach it.
    return element("div", element("table", content), class_="frame", tabindex=0, role="region", aria_label=label)


def _head(name: str, better: str, metric: Metric | None = None, arrow: bool = True) -> str:
    unit = element("span", f" {text(metric.unit)}", class_="unit") if metric and metric.unit else ""
    mark = element("span", f" {ARROWS[better]}", class_="arrow") if arrow and ARROWS.get(better) else ""
    title = MEANINGS.get(better)
    if metric and metric.description:
        title = f"{metric.description} ({title})"
    label = text(name) if name else element("span", "name", class_="hidden")
    button = element("button", label + unit + mark, type="button", title=title)
    return element("th", button, scope="col", aria_sort="none", data_better=better)


def _row_head(table: Table, row: str) -> str:
    note = element("span", " input", class_="tag") if row in table.references else ""
    return element("th", text(row) + note, scope="row", data_value=row)


def _row_class(table: Table, row: str) -> str | None:
    classes = [n for n, rows in (("reference", table.references), ("ours", table.highlighted)) if row in rows]
    return " ".join(classes) or None


def _cell(markup: str, value: float, best: bool = False, shade: float | None = None) -> str:
    known = math.isfinite(value)
    style = f"--shade:{shade:.2f}" if shade is not None and math.isfinite(shade) else None
    return element(
        "td",
        markup,
        class_="best" if best else None,
        title="best" if best else None,
        style=style,
        data_value=repr(value) if known else None,
    )


def _definitions(table: Table) -> str:
    described = [m for m in table.metrics if m.description]
    if not described:
        return ""
    lines = [
        element("div", element("dt", text(m.name)) + element("dd", text(f"{m.description}; {MEANINGS[m.better]}")))
        for m in described
    ]
    return element("details", element("summary", "What the columns are") + element("dl", lines, class_="values"))
