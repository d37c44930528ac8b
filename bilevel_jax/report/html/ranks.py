"""Ranks of a table's rows by each metric, and their means."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from bilevel_jax.report.html.content import Metric, Table
from bilevel_jax.report.html.markup import as_float

Ranks = dict[str, dict[str, float]]  # row -> metric -> rank, 1 = best


def rank_rows(table: Table) -> Ranks:
    """The rank of every compared row by every metric that has a direction.

    Equal figures share the mean of their ranks. An undefined figure has no rank. `table.ranks` has precedence.
    """
    from scipy.stats import rankdata  # slow to import, and only needed when a page is made

    if table.ranks is not None:
        return {row: dict(ranks) for row, ranks in table.ranks.items() if row not in table.references}
    compared = [row for row in table.rows if row not in table.references]
    ranks: Ranks = {row: {} for row in compared}
    for metric in table.metrics:
        values = {row: as_float(table.rows[row].get(metric.name)) for row in compared}
        defined = {row: value for row, value in values.items() if math.isfinite(value)}
        if not metric.better or not defined:
            continue
        sign = 1 if metric.better == "down" else -1
        places = rankdata([sign * value for value in defined.values()])
        for row, place in zip(defined, places, strict=True):
            ranks[row][metric.name] = float(place)
    return ranks


def mean_ranks(ranks: Mapping[str, Mapping[str, float]], metrics: Sequence[Metric]) -> dict[str, float]:
    """The mean rank of every row over the metrics that have a direction and rank at least one row.

    The mean is NaN if one of these metrics does not rank the row, because means over different metrics cannot be
    compared.
    """
    names = [m.name for m in metrics if m.better and any(m.name in row for row in ranks.values())]
    return {row: float(np.mean([own.get(name, math.nan) for name in names or [""]])) for row, own in ranks.items()}


def best_rows(table: Table, metric: Metric) -> set[str]:
    """The row with the best figure of a metric.

    The set is empty if several rows share the best figure, if no direction is better, or if only one row has a figure.
    """
    if not metric.better:
        return set()
    values = {row: as_float(cells.get(metric.name)) for row, cells in table.rows.items() if row not in table.references}
    values = {row: value for row, value in values.items() if math.isfinite(value)}
    if len(values) < 2:
        return set()
    best = (min if metric.better == "down" else max)(values.values())
    rows = {row for row, value in values.items() if value == best}
    return rows if len(rows) == 1 else set()
