"""The table of appearance on a report page."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bilevel_jax.evaluation.appearance.appearance_table import AppearanceTable
from bilevel_jax.evaluation.report_columns import appearance_column
from bilevel_jax.metrics.appearance import MEASURES
from bilevel_jax.report import html


def with_appearance(
    page: html.Report,
    table: AppearanceTable,
    titles: Mapping[str, str] | None = None,
    *,
    highlighted: Sequence[str] = (),
) -> html.Report:
    """The page with the tables of appearance below its other tables.

    Args:
        page: a report.
        table: what was measured.
        titles: method -> name of its row, where that is another one.
        highlighted: the methods that the page is about.
    """
    shown = {method: (titles or {}).get(method, method) for method in table.worst}
    tables = [
        html.Table(
            f"Appearance: {title}",
            [appearance_column(name) for name in MEASURES],
            {shown[method]: row for method, row in rows.items()},
            highlighted=[shown[method] for method in highlighted],
            ranked=False,  # several columns measure one fault, so a mean rank would count it twice
        )
        for title, rows in table.parts()
    ]
    tables += [
        html.Table(
            f"Distance: {title}",
            [
                html.Metric(name, "", "", f"mean |difference| of luma to {name}, in levels of 255", digits=2)
                for name in next(iter(rows.values()))
            ],
            {shown[method]: row for method, row in rows.items()},
            highlighted=[shown[method] for method in highlighted],
            ranked=False,  # far is not better
        )
        for title, rows in table.distance_parts()
    ]
    return replace(page, tables=[*page.tables, *tables])
