"""The downstream comparison as figures and text: spread over seeds, and paired differences over resampled images."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.bootstrap import DRAWS, excludes_zero, interval, resampled_counts
from bilevel_jax.evaluation.downstream.cells import figures
from bilevel_jax.evaluation.downstream.train_cells import Cells
from bilevel_jax.report.text_table import format_table, split_title


class Figure(NamedTuple):
    """One figure of one input, in [0, 1].

    Attributes:
        mean: over the seeds.
        spread: standard deviation over the seeds (of a sample, n - 1); NaN for one seed.
        bounds: bootstrap 95 % interval of `mean` over the images.
    """

    mean: float
    spread: float
    bounds: tuple[float, float]


class Difference(NamedTuple):
    """How much better one input is than another, mean over the seeds, with its paired 95 % interval over the images."""

    better: str
    than: str
    figure: str
    mean: float
    bounds: tuple[float, float]


class Comparison(NamedTuple):
    """All figures by input, the same for the groups of images (day, night), and the differences to the reference.

    `split` is the one of the images, and `images` their number.
    """

    figures: Mapping[str, Mapping[str, Figure]]
    groups: Mapping[str, Mapping[str, Mapping[str, Figure]]]
    differences: Sequence[Difference]
    reference: str
    split: str
    images: int
    seeds: tuple[int, ...]


def compare_cells(cells: Cells, reference: str, bootstrap_seed: int = 0, draws: int = DRAWS) -> Comparison:
    """Figures with their spread and intervals, and the paired differences of the reference to every other input.

    A sample of the images is the same for all inputs and seeds. Seeds are not resampled: the interval says what another
    set of images would change, the spread what another initialisation would.

    Args:
        cells: of every input the same seeds.
        reference: the input that the others are held against.
        bootstrap_seed: of the resampled images.
        draws: number of resamples.

    Raises:
        InputError: cells of different images or splits.
    """
    first = next(iter(next(iter(cells.values())).values()))
    seeds = tuple(next(iter(cells.values())))
    names = first["names"]
    for name, own in cells.items():
        for seed, cell in own.items():
            if cell["split"] != first["split"]:
                raise InputError(f"The cell of {name}, seed {seed}, is of another split than the first one.")
            if cell["names"] != names or cell["classes"] != first["classes"]:
                raise InputError(f"The cell of {name}, seed {seed}, is of other images or classes than the first one.")
    counts = resampled_counts(len(names), draws, bootstrap_seed)
    drawn = _all_figures(cells, np.concatenate([np.ones_like(counts[:1]), counts]))
    differences = [
        Difference(reference, other, key, *_difference(drawn[reference][key], drawn[other][key]))
        for other in cells
        if other != reference
        for key in drawn[reference]
    ]
    groups = {}
    for group in dict.fromkeys(first["groups"]):
        members = np.array([own == group for own in first["groups"]], np.int64)
        # Resampled among the images of the group alone.
        own_counts = np.zeros((1 + draws, len(names)), np.int64)
        own_counts[0] = members
        own_counts[1:, members > 0] = resampled_counts(int(members.sum()), draws, bootstrap_seed)
        groups[group] = _summary(_all_figures(cells, own_counts))
    return Comparison(_summary(drawn), groups, differences, reference, first["split"], len(names), seeds)


def comparison_text(comparison: Comparison, markdown: bool = False) -> str:
    """The tables in per cent: figures, groups where there are any, differences."""
    seeds = f"{len(comparison.seeds)} seed" + "s" * (len(comparison.seeds) > 1)
    spread = "mean ± standard deviation over " + seeds if len(comparison.seeds) > 1 else "one seed"
    parts = [
        f"{split_title(comparison.split, comparison.images)}; per cent, {spread}; in brackets the bootstrap 95 % "
        "interval over the images:",
        format_table(_lines(comparison.figures), markdown=markdown),
    ]
    for group, figures_of_group in comparison.groups.items():
        parts += [f"{group}:", format_table(_lines(figures_of_group), markdown=markdown)]
    rows: dict[str, dict[str, str]] = {}
    for _, than, figure, mean, bounds in comparison.differences:
        mark = "*" if excludes_zero(bounds) else ""
        text = "-" if np.isnan(mean) else f"{100 * mean:+.1f} [{100 * bounds[0]:+.1f}, {100 * bounds[1]:+.1f}]{mark}"
        rows.setdefault(than, {"input": f"{comparison.reference} - {than}"})[figure] = text
    if rows:
        parts += [
            f"Paired differences, mean over {seeds}, with the bootstrap 95 % interval over the images (* excludes 0):",
            format_table(list(rows.values()), markdown=markdown),
        ]
    return "\n\n".join(parts)


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """All numbers as JSON takes them, in [0, 1]."""

    def plain(table: Mapping[str, Mapping[str, Figure]]) -> dict[str, Any]:
        return {name: {key: figure._asdict() for key, figure in row.items()} for name, row in table.items()}

    return {
        "split": comparison.split,
        "images": comparison.images,
        "seeds": comparison.seeds,
        "reference": comparison.reference,
        "figures": plain(comparison.figures),
        "groups": {group: plain(table) for group, table in comparison.groups.items()},
        "differences": [difference._asdict() for difference in comparison.differences],
    }


def _all_figures(cells: Cells, counts: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Input -> figure -> [seeds, samples]."""
    result = {}
    for name, own in cells.items():
        by_seed = [figures(cell, counts) for cell in own.values()]
        result[name] = {key: np.stack([values[key] for values in by_seed]) for key in by_seed[0]}
    return result


def _summary(drawn: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, dict[str, Figure]]:
    def figure(values: np.ndarray) -> Figure:
        spread = float(values[:, 0].std(ddof=1)) if len(values) > 1 else float("nan")
        return Figure(float(values[:, 0].mean()), spread, interval(values[:, 1:].mean(axis=0)))

    return {name: {key: figure(values) for key, values in row.items()} for name, row in drawn.items()}


def _difference(one: np.ndarray, other: np.ndarray) -> tuple[float, tuple[float, float]]:
    gained = (one - other).mean(axis=0)
    return float(gained[0]), interval(gained[1:])


def _lines(table: Mapping[str, Mapping[str, Figure]]) -> list[dict[str, str]]:
    def text(figure: Figure) -> str:
        if np.isnan(figure.mean):
            return "-"
        spread = "" if np.isnan(figure.spread) else f" ± {100 * figure.spread:.1f}"
        return f"{100 * figure.mean:.1f}{spread} [{100 * figure.bounds[0]:.1f}, {100 * figure.bounds[1]:.1f}]"

    return [{"input": name} | {key: text(figure) for key, figure in row.items()} for name, row in table.items()]
