"""The report page of what all judges say."""

from collections.abc import Mapping, Sequence

import numpy as np

from bilevel_jax.data.sources.source import Source
from bilevel_jax.evaluation.bootstrap import BLOCK, excludes_zero
from bilevel_jax.evaluation.downstream.downstream_report import input_pictures
from bilevel_jax.evaluation.downstream.train_cells import Input
from bilevel_jax.evaluation.inputs import LATE
from bilevel_jax.evaluation.judges.disturbances import SEPARATOR
from bilevel_jax.evaluation.judges.judgement_text import (
    columns,
    how_pooled,
    left_out,
    main_figure,
    remaining_title,
    set_title,
)
from bilevel_jax.evaluation.judges.relative_table import ALL, Estimate, Judgement, Row
from bilevel_jax.evaluation.judges.remaining_gain import Remaining
from bilevel_jax.report import html


def judgement_report(
    found: Judgement,
    sources: Sequence[Source],
    inputs: Mapping[str, Input],
    config: Mapping[str, object],
    notes: Sequence[str] = (),
) -> html.Report:
    """Makes the page of what all judges say.

    Args:
        found: the figures.
        sources: the pairs of each data set; the pictures show some of the first one.
        inputs: row -> kind of input.
        config: the configuration that the data was opened with, as plain values.
        notes: further sentences that a reader must know.
    """
    per_cent = "Per cent, without any training. Below each figure stands its bootstrap 95 % interval over the images."
    tables = [
        _table(
            f"{judge} on {set_title(about)}",
            found.figures[about.name][judge],
            " ".join([per_cent, *left_out(found.figures[about.name][judge], found.draws)]),
        )
        for about in found.sets
        for judge in found.judges
    ]
    how = how_pooled(found)
    for reference, relative in found.relative.items():
        note = (
            f"(input - {reference}) / {reference}, {how}; paired bootstrap 95 % intervals over blocks of {BLOCK} "
            "neighbouring images."
        )
        note = " ".join([note, *left_out(relative.pooled, found.draws, reference)])
        tables.append(_table(f"Per cent better than {reference}", relative.pooled, note))
    tables += [_remaining_table(found)] if found.remaining else []
    shown = {name: given for name, given in inputs.items() if given.kind != LATE}
    return html.Report(
        title=f"What judges find in each input: {found.task}",
        summary=f"Networks that nobody here trained look at every kind of input; {how}.",
        facts={about.name: f"{about.split}, {about.images:,} pairs" for about in found.sets},
        warnings=[*notes, *_warnings(found)],
        tables=tables,
        pictures=input_pictures(sources[0], shown),
        shown_views=None,
        config=dict(config),
        environment=html.environment(),
        command=html.command_line(),
    )


def _table(title: str, by_group: Mapping[str, Mapping[str, Row]], note: str) -> html.Table:
    rows: dict[str, dict[str, Estimate]] = {row: columns(by_group, row) for row in by_group[ALL]}
    names = list(next(iter(rows.values()))) if rows else []
    return html.Table(
        title,
        [html.Metric(name, "up", "%", digits=1) for name in names],
        {row: {name: 100 * own[name].value for name in names} for row, own in rows.items()},
        intervals=_intervals(rows),
        note=note,
        ranked=False,  # the first column is the mean of the others
    )


def _remaining_table(found: Judgement) -> html.Table:
    """What remains of each gain after each disturbance; no figure where there is no gain."""
    figure = main_figure(found)
    rows = {row: {name: own[figure] for name, own in by_name.items()} for row, by_name in found.remaining[ALL].items()}
    return html.Table(
        "What remains after a disturbance",
        [html.Metric(name, "up", "%", digits=0) for name in found.after],
        {row: {name: 100 * value.share for name, value in own.items()} for row, own in rows.items()},
        intervals=_intervals(rows),
        note=f"{remaining_title(found)}. A row without figures has no gain.",
        ranked=False,  # a share of a small gain says nothing about the gain
    )


def _intervals(rows: Mapping[str, Mapping[str, Estimate | Remaining]]) -> dict[str, dict[str, tuple[float, float]]]:
    """The intervals that there are, in per cent."""
    return {
        row: {
            name: (100 * value.bounds[0], 100 * value.bounds[1])
            for name, value in own.items()
            if not np.isnan(value.bounds[0])
        }
        for row, own in rows.items()
    }


def _warnings(found: Judgement) -> list[str]:
    """Sentences that name the inputs which are clearly worse than the first reference."""
    reference, relative = next(iter(found.relative.items()))
    figure = main_figure(found)
    disturbed = tuple(f"{SEPARATOR}{name}" for name in found.after)
    worse = [
        row
        for row, own in relative.pooled[ALL].items()
        if own[figure].value < 0 and excludes_zero(own[figure].bounds) and not row.endswith(disturbed)
    ]
    return [f"{', '.join(worse)}: clearly worse than {reference} by {figure}."] if worse else []
