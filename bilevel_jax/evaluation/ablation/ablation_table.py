"""The figures of an ablation: mean ranks, fusion metrics and detector figures of each row at each seed."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import numpy as np

from bilevel_jax.evaluation.ablation.ablation_rows import Row
from bilevel_jax.evaluation.ablation.judged_rows import JudgedTable
from bilevel_jax.evaluation.ablation.row_appearance import AppearanceOfRows
from bilevel_jax.evaluation.ablation.train_row import METHOD, Result, Trained
from bilevel_jax.evaluation.bootstrap import resampled_means
from bilevel_jax.evaluation.downstream.cells import Cell, figures
from bilevel_jax.evaluation.downstream.comparison import compare_cells
from bilevel_jax.evaluation.image_measures import MEASURES
from bilevel_jax.evaluation.leaderboard.image_scores import ImageScores
from bilevel_jax.evaluation.leaderboard.leaderboard import make_leaderboard
from bilevel_jax.metrics.figure import FigureName
from bilevel_jax.report import metric_names

Results = Mapping[str, Mapping[int, Result]]  # row -> seed -> result


class AdvantageFigures(TypedDict):
    """How much better the detector of a row is than that of the reference.

    `figure` names the figure, `mean` is the mean difference over the seeds, and `bounds` its paired bootstrap 95 %
    interval over the images.
    """

    figure: str
    mean: float
    bounds: tuple[float, float]


class RowFigures(TypedDict):
    """One row of the table."""

    about: str
    seeds: list[int]  # of the trainings that did not fail
    failed: dict[str, str]  # seed -> reason
    figures: dict[str, list[float]]  # name -> one value a seed, see `ablation_table`
    difference: AdvantageFigures | None


class AblationTable(TypedDict):
    """The content of ablation.json."""

    against: int  # number of published methods that the rows are ranked among; 0 = the rows among each other
    reference: str  # the row whose detector the others are compared with
    split: str  # of the pairs that the detectors are tested on
    pairs: int  # 0 without a detector
    rows: dict[str, RowFigures]
    judged: NotRequired[JudgedTable]  # with judges
    appearance: NotRequired[AppearanceOfRows]  # where it was asked for


def ablation_table(
    rows: Mapping[str, Row], results: Results, published: ImageScores | None = None, reference: str = "ignore"
) -> AblationTable:
    """Collects all figures.

    The figures of a row are: `mean_rank`; the nine fusion metrics; `AP50...` or `mIoU...` of the detector in [0, 1],
    also for groups of images (`day:AP50...`); `ms a step`; `rho/TASK` and `correction/TASK`.

    Args:
        rows: name -> row, in the order of the table.
        results: results of the rows that are finished so far.
        published: figures of other methods for the scored pairs; None = the rows of a seed are ranked among each other.
        reference: the row whose detector the others are compared with, at the seeds that both have.
    """
    good = {
        name: {seed: result.trained for seed, result in own.items() if result.trained is not None}
        for name, own in results.items()
    }
    ranks = _mean_ranks(good, published)
    sizes = [len(trained.cell["names"]) for own in good.values() for trained in own.values() if trained.cell]
    table: AblationTable = {
        "against": len(published.values) if published is not None else 0,
        "reference": reference,
        "split": "val",
        "pairs": max(sizes, default=0),
        "rows": {},
    }
    for name in (name for name in rows if name in results):
        values = {seed: {"mean_rank": ranks[name, seed]} | _figures(trained) for seed, trained in good[name].items()}
        keys = dict.fromkeys(key for own in values.values() for key in own)
        table["rows"][name] = {
            "about": rows[name].about + "".join(f"; the same as {other}" for other in rows[name].same),
            "seeds": list(good[name]),
            "failed": {str(seed): result.failed for seed, result in results[name].items() if result.failed},
            "figures": {key: [own.get(key, np.nan) for own in values.values()] for key in keys},
            "difference": _difference(good, name, reference),
        }
    return table


def _figures(trained: Trained) -> dict[str, float]:
    column = {name: i for i, name in enumerate(trained.scores.metrics)}
    values = trained.scores.values[METHOD]
    means = resampled_means(values, np.ones((1, len(values))))[0]
    found = {name: float(means[column[name]]) for name in MEASURES}
    cell = trained.cell
    found |= {} if cell is None else _detector_figures(cell)
    found["ms a step"] = 1000 * trained.training["step_s"]
    for name, by_task in (
        (metric_names.RHO, trained.training["rho"]),
        (metric_names.CORRECTION, trained.training["correction"]),
    ):
        found |= {metric_names.of_task(name, task): value for task, value in by_task.items()}
    return found


def _detector_figures(cell: Cell) -> dict[str, float]:
    """The figures of a detector over all images, and over each group of them."""
    groups = {"": np.ones(len(cell["names"]), np.int64)}
    for group in dict.fromkeys(cell["groups"]):
        groups[group] = np.array([own == group for own in cell["groups"]], np.int64)
    return {
        str(FigureName.parse(key)._replace(group=group)): float(drawn[0])
        for group, members in groups.items()
        for key, drawn in figures(cell, members[None]).items()
    }


def _mean_ranks(
    good: Mapping[str, Mapping[int, Trained]], published: ImageScores | None
) -> dict[tuple[str, int], float]:
    """The mean rank of each row and seed, among the published methods or among the rows of that seed."""
    ranks: dict[tuple[str, int], float] = {}
    for seed in sorted({seed for own in good.values() for seed in own}):
        scored = {name: own[seed].scores for name, own in good.items() if seed in own}
        # With a space the name cannot be that of a published method, which would be left out of the field.
        tables = {f"row {name}": scores.values[METHOD] for name, scores in scored.items()}
        together = next(iter(scored.values()))._replace(values=tables, undefined=())
        board = make_leaderboard(together, baselines=(), published=published, draws=1)
        found = {row.name: row.mean_rank for row in board.rows}
        ranks |= {(name, seed): found[f"row {name}"] for name in scored}
    return ranks


def _difference(good: Mapping[str, Mapping[int, Trained]], name: str, reference: str) -> AdvantageFigures | None:
    """Compares the detectors of two rows; None for the reference itself, or if they share no seed."""
    own, other = ({seed: t.cell for seed, t in good.get(row, {}).items() if t.cell} for row in (name, reference))
    seeds = [seed for seed in own if seed in other]
    if name == reference or not seeds:
        return None
    cells = {name: {seed: own[seed] for seed in seeds}, reference: {seed: other[seed] for seed in seeds}}
    found = compare_cells(cells, name).differences[0]  # the first figure is the mean over the classes
    return {"figure": found.figure, "mean": found.mean, "bounds": found.bounds}
