"""The report page of a downstream comparison: its tables, and the images that each network was trained on."""

from collections.abc import Mapping, Sequence

import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.data.sources.source import Source
from bilevel_jax.data.sources.subset import Subset
from bilevel_jax.evaluation.bootstrap import excludes_zero
from bilevel_jax.evaluation.downstream.chosen_task import task_title
from bilevel_jax.evaluation.downstream.comparison import Comparison, Figures
from bilevel_jax.evaluation.downstream.train_cells import Input
from bilevel_jax.evaluation.inputs import InputSource
from bilevel_jax.evaluation.report_columns import semantic_column
from bilevel_jax.report import html
from bilevel_jax.report.text_table import split_title

SHOWN_PICTURES = 12


def downstream_report(
    config: ConfigDict,
    comparison: Comparison,
    held_out: Source,
    inputs: Mapping[str, Input],
    matched: bool,
    notes: Sequence[str] = (),
) -> html.Report:
    """Makes the page of a downstream comparison.

    Args:
        config: the configuration that the networks were trained with; it has one semantic task.
        comparison: the figures.
        held_out: the pairs that the networks were tested on.
        inputs: name -> kind of input, as they were compared.
        matched: whether one network was trained on all inputs mixed.
        notes: further sentences that a reader must know.
    """
    how = "one network, trained on all inputs mixed" if matched else "a network of its own for each input"
    title, count = task_title(config), len(comparison.seeds)
    seeds = f"means over {count} seeds, whose spread has a table of its own" if count > 1 else "one seed"
    note = (
        f"Per cent, {how}, {config.rows.steps:,} steps; {seeds}. Below each figure stands its bootstrap 95 % interval "
        "over the images."
    )
    tables = [_table(title[:1].upper() + title[1:], comparison.figures, note, comparison.reference)]
    tables += [
        _table(f"{group.capitalize()} alone", own, note, comparison.reference)
        for group, own in comparison.groups.items()
    ]
    return html.Report(
        title=f"What each input is worth: {title}",
        summary=f"The same network, seeds and number of steps on every kind of input ({how}); "
        f"{split_title(comparison.split, comparison.images)}.",
        facts={
            f"{comparison.split} images": f"{comparison.images:,}",
            "seeds": f"{len(comparison.seeds)}",
            "steps": f"{config.rows.steps:,}",
        },
        warnings=[*notes, *_warnings(comparison)],
        tables=[*tables, *_spread_table(comparison), *_difference_table(comparison)],
        pictures=input_pictures(held_out, inputs),
        shown_views=None,
        config=config.to_dict(),
        environment=html.environment(),
        command=html.command_line(),
    )


def _table(title: str, figures: Figures, note: str, reference: str) -> html.Table:
    names = list(next(iter(figures.values())))
    return html.Table(
        title,
        [semantic_column(name) for name in names],
        {row: {name: 100 * own[name].mean for name in names} for row, own in figures.items()},
        intervals={
            row: {name: _per_cent(own[name].bounds) for name in names if not np.isnan(own[name].bounds[0])}
            for row, own in figures.items()
        },
        highlighted=[reference],
        note=note,
        ranked=False,  # the first column is the mean of the others
    )


def _spread_table(comparison: Comparison) -> list[html.Table]:
    if len(comparison.seeds) < 2:
        return []
    names = list(next(iter(comparison.figures.values())))
    metrics = [html.Metric(name, "", "%", "standard deviation over the seeds", digits=1) for name in names]
    rows = {row: {name: 100 * own[name].spread for name in names} for row, own in comparison.figures.items()}
    return [html.Table("Spread over the seeds", metrics, rows, ranked=False)]


def _difference_table(comparison: Comparison) -> list[html.Table]:
    rows: dict[str, dict[str, float]] = {}
    bounds: dict[str, dict[str, tuple[float, float]]] = {}
    for _, than, figure, mean, own in comparison.differences:
        name = f"{comparison.reference} - {than}"
        rows.setdefault(name, {})[figure] = 100 * mean
        if not np.isnan(own[0]):
            bounds.setdefault(name, {})[figure] = _per_cent(own)
    if not rows:
        return []
    metrics = [html.Metric(name, "", "%", "difference of per cent", digits=1) for name in next(iter(rows.values()))]
    note = "Positive if the first is better; mean over the seeds, paired bootstrap 95 % intervals over the images."
    return [html.Table("Differences", metrics, rows, intervals=bounds, note=note, ranked=False)]


def _warnings(comparison: Comparison) -> list[str]:
    """Sentences that name the inputs which the reference does not beat, or does not beat clearly."""
    mean = next(iter(next(iter(comparison.figures.values()))))
    found = [d for d in comparison.differences if d.figure == mean]
    behind = [d.than for d in found if d.mean <= 0]
    unclear = [d.than for d in found if d.mean > 0 and not excludes_zero(d.bounds)]
    texts = [f"{comparison.reference} is not better than {', '.join(behind)} by {mean}."] if behind else []
    if unclear:
        texts.append(f"That {comparison.reference} is better than {', '.join(unclear)} by {mean} may be chance.")
    return texts


def input_pictures(held_out: Source, inputs: Mapping[str, Input]) -> list[html.Picture]:
    """Returns some pairs of a source as every kind of input shows them, with their true boxes."""
    chosen = np.unique(np.linspace(0, len(held_out) - 1, min(SHOWN_PICTURES, len(held_out))).round().astype(int))
    pairs = Subset(held_out, chosen)
    views = {name: InputSource(pairs, given.kind, given.fuser) for name, given in inputs.items()}
    pictures = []
    for i, name in enumerate(pairs.names):
        record = pairs[i]
        boxes = []
        if record["has_boxes"]:
            labels = [held_out.class_names[number] for number in record["classes"]]
            boxes = [html.Box.from_corners(box, label) for box, label in zip(record["boxes"], labels, strict=True)]
        pictures.append(html.Picture(name, {kind: source.images[i] for kind, source in views.items()}, boxes))
    return pictures


def _per_cent(bounds: tuple[float, float]) -> tuple[float, float]:
    return 100 * bounds[0], 100 * bounds[1]
