"""Compares the inputs of a downstream comparison: spread over seeds, and paired differences over resampled images."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypedDict

import numpy as np

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.bootstrap import DRAWS, interval, resampled_counts
from bilevel_jax.evaluation.downstream.cells import figures
from bilevel_jax.evaluation.downstream.train_cells import Cells


class Figure(NamedTuple):
    """One figure of one input, in [0, 1].

    Attributes:
        mean: mean over the seeds.
        spread: standard deviation over the seeds (of a sample, n - 1); NaN for one seed.
        bounds: bootstrap 95 % interval of `mean` over the images.
    """

    mean: float
    spread: float
    bounds: tuple[float, float]


class Difference(NamedTuple):
    """How much better one input is than another by a figure.

    Attributes:
        better: the input that is compared.
        than: the other input.
        figure: the name of the figure.
        mean: mean difference over the seeds; positive if `better` is better.
        bounds: paired bootstrap 95 % interval of `mean` over the images.
    """

    better: str
    than: str
    figure: str
    mean: float
    bounds: tuple[float, float]


Figures = Mapping[str, Mapping[str, Figure]]  # input -> name of the figure -> figure


class Comparison(NamedTuple):
    """The result of a comparison.

    Attributes:
        figures: figures over all images.
        groups: group of images (day, night) -> figures over the images of that group.
        differences: differences of the reference to every other input.
        reference: the input that the others are compared with.
        split: the split of the images.
        images: the number of images.
        seeds: the seeds of the networks.
    """

    figures: Figures
    groups: Mapping[str, Figures]
    differences: Sequence[Difference]
    reference: str
    split: str
    images: int
    seeds: tuple[int, ...]


class ComparisonFile(TypedDict):
    """A comparison as JSON values, all figures in [0, 1]."""

    split: str
    images: int
    seeds: tuple[int, ...]
    reference: str
    figures: dict[str, dict[str, dict[str, object]]]
    groups: dict[str, dict[str, dict[str, dict[str, object]]]]
    differences: list[dict[str, object]]


def compare_cells(cells: Cells, reference: str, bootstrap_seed: int = 0, draws: int = DRAWS) -> Comparison:
    """Computes the figures with their spread and intervals, and the differences of the reference to every other input.

    All inputs and seeds share the samples of the images. Seeds are not resampled: an interval says what another set of
    images would change, and the spread says what another initialisation would change.

    Args:
        cells: the same seeds for every input.
        reference: the input that the others are compared with.
        bootstrap_seed: of the resampled images.
        draws: number of samples.

    Raises:
        InputError: the cells are of different images or splits.
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
        # The samples of a group are drawn from its images alone.
        own_counts = np.zeros((1 + draws, len(names)), np.int64)
        own_counts[0] = members
        own_counts[1:, members > 0] = resampled_counts(int(members.sum()), draws, bootstrap_seed)
        groups[group] = _summary(_all_figures(cells, own_counts))
    return Comparison(_summary(drawn), groups, differences, reference, first["split"], len(names), seeds)


def comparison_json(comparison: Comparison) -> ComparisonFile:
    """The comparison as JSON values."""
    return {
        "split": comparison.split,
        "images": comparison.images,
        "seeds": comparison.seeds,
        "reference": comparison.reference,
        "figures": _plain(comparison.figures),
        "groups": {group: _plain(table) for group, table in comparison.groups.items()},
        "differences": [difference._asdict() for difference in comparison.differences],
    }


def _plain(table: Figures) -> dict[str, dict[str, dict[str, object]]]:
    return {name: {key: figure._asdict() for key, figure in row.items()} for name, row in table.items()}


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
