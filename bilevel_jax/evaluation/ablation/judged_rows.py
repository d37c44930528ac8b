"""What judges that nobody here trained find in the fused images of each row, in comparison with a rule and a row."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
from jaxtyping import Float

from bilevel_jax.atomic import finite_or_none
from bilevel_jax.evaluation.bootstrap import BLOCK, DRAWS, interval
from bilevel_jax.evaluation.downstream.train_cells import Input
from bilevel_jax.evaluation.judges.judge import Judge
from bilevel_jax.evaluation.judges.judge_rows import JudgedSet, find_in_set
from bilevel_jax.evaluation.judges.relative_gain import Drawn, Figures, known_gains
from bilevel_jax.evaluation.judges.relative_table import SetAbout, about_set, drawn_images

Gains = Mapping[str, Mapping[str, Drawn]]  # group -> figure -> gain over the rule, of a row at one seed


class SeenSet(NamedTuple):
    """What all judges see in one kind of image of a data set.

    Attributes:
        about: the data set.
        figures: judge -> group -> figure -> samples. All kinds of image of a set share the samples.
    """

    about: SetAbout
    figures: Mapping[str, Mapping[str, Figures]]


class JudgedFigure(TypedDict):
    """A relative difference of AP50, or a difference of two; an undefined number is null.

    `value` is the mean over the seeds, `bounds` its 95 % interval, and `seeds` has the value of each seed.
    """

    value: float | None
    bounds: tuple[float | None, float | None]
    seeds: list[float | None]


JudgedFigures = dict[str, dict[str, JudgedFigure]]  # group -> figure


class JudgedRow(TypedDict):
    """What the judges say of one row.

    `gain` is over the rule, with an interval over the images. `difference` is the gain less that of the base row at the
    same seeds, with an interval over images and seeds; {} for the base row, and where no seed has both.
    """

    gain: JudgedFigures
    difference: JudgedFigures


class JudgedSetAbout(TypedDict):
    """One data set of the table."""

    name: str
    split: str
    images: int
    groups: dict[str, int]


class JudgedTable(TypedDict):
    """The part `judged` of ablation.json."""

    reference: str  # the rule
    base: str  # the row that the others are compared with
    judges: dict[str, str]  # judge -> its make
    sets: list[JudgedSetAbout]
    notes: list[str]  # what a reader must know of the sets
    rows: dict[str, JudgedRow]


def see_sets(
    judges: Sequence[Judge],
    sets: Sequence[JudgedSet],
    name: str,
    kind: Input,
    folder: Path | None = None,
    check_stop: Callable[[], None] = lambda: None,
    *,
    draws: int = DRAWS,
    block: int = BLOCK,
) -> list[SeenSet]:
    """Shows one kind of image of all data sets to all judges.

    Args:
        judges: of one task.
        sets: the data sets.
        name: of the kind, for files and messages.
        kind: the kind of image.
        folder: keeps what was found; None keeps nothing.
        check_stop: called after every image; may raise.
        draws: number of bootstrap samples.
        block: how many neighbouring images, in the order of their names, are drawn together.

    Raises:
        InputError: as `find_in_set`.
    """
    seen = []
    for place, given in enumerate(sets):
        found = find_in_set(judges, given, {name: kind}, folder, check_stop)
        groups = drawn_images(found, draws, block, seed=place)
        figures = {
            judge.name: {
                group: judge.figures(found.evidence[judge.name][name], counts) for group, counts in groups.items()
            }
            for judge in judges
        }
        seen.append(SeenSet(about_set(found, groups), figures))
    return seen


def pooled_gains(row: Sequence[SeenSet], rule: Sequence[SeenSet]) -> Gains:
    """The relative difference of a row to the rule, the mean over all judges and sets that have the figure.

    A figure that no judge and set has is left out. The first sample of each figure is of all images.
    """
    cells = [
        (own.figures[judge], other.figures[judge])
        for own, other in zip(row, rule, strict=True)
        for judge in own.figures
    ]
    gains: dict[str, dict[str, Drawn]] = {}
    for group in dict.fromkeys(group for own, _ in cells for group in own):
        of_group = [(own[group], other[group]) for own, other in cells if group in own]
        for figure in of_group[0][0]:
            known = known_gains([(own[figure], other[figure]) for own, other in of_group])
            if known:
                gains.setdefault(group, {})[figure] = np.mean([gain for gain, _ in known], axis=0)
    return gains


def judged_row(own: Mapping[int, Gains], base: Mapping[int, Gains] | None) -> JudgedRow:
    """The figures of a row from its gains at each seed.

    Args:
        own: seed -> gains of the row.
        base: seed -> gains of the base row; None for the base row itself.
    """
    shared = [seed for seed in own if base is not None and seed in base]
    row: JudgedRow = {"gain": _by_group(list(own.values()), _gain), "difference": {}}
    if base is not None and shared:
        differences = [_less(own[seed], base[seed]) for seed in shared]
        row["difference"] = _by_group(differences, _difference)
    return row


def images_and_seeds(differences: Float[np.ndarray, "seeds samples"], seed: int = 0) -> tuple[float, float]:
    """Returns a 95 % interval of the mean over the seeds that covers other images and other seeds.

    The images are resampled. To each sample a random error of the mean over the seeds is added: Student's t with one
    degree of freedom less than there are seeds, times the standard error over the seeds. Student, "The probable error
    of a mean", Biometrika 6, 1908. With one seed the interval covers the images alone.

    Args:
        differences: of each seed in each bootstrap sample of the images; the first sample is all images.
        seed: of the random numbers.
    """
    count = len(differences)
    samples = differences.mean(axis=0)[1:]
    if count > 1:
        error = differences[:, 0].std(ddof=1) / np.sqrt(count)
        samples = samples + error * np.random.default_rng(seed).standard_t(count - 1, len(samples))
    return interval(samples)


def about_sets(seen: Sequence[SeenSet]) -> list[JudgedSetAbout]:
    """The data sets as ablation.json names them."""
    return [
        {"name": own.about.name, "split": own.about.split, "images": own.about.images, "groups": {**own.about.groups}}
        for own in seen
    ]


def _less(own: Gains, base: Gains) -> Gains:
    return {
        group: {figure: drawn - base[group][figure] for figure, drawn in figures.items() if figure in base[group]}
        for group, figures in own.items()
        if group in base
    }


def _by_group(
    seeds: Sequence[Gains], made: Callable[[Float[np.ndarray, "seeds samples"]], JudgedFigure]
) -> JudgedFigures:
    return {
        group: {
            figure: made(np.stack([own[group][figure] for own in seeds]))
            for figure in figures
            if all(figure in own.get(group, {}) for own in seeds)
        }
        for group, figures in seeds[0].items()
    }


def _gain(drawn: Float[np.ndarray, "seeds samples"]) -> JudgedFigure:
    return _figure(drawn, interval(drawn.mean(axis=0)[1:]))


def _difference(drawn: Float[np.ndarray, "seeds samples"]) -> JudgedFigure:
    return _figure(drawn, images_and_seeds(drawn))


def _figure(drawn: Float[np.ndarray, "seeds samples"], bounds: tuple[float, float]) -> JudgedFigure:
    low, high = bounds
    return {
        "value": finite_or_none(drawn[:, 0].mean()),
        "bounds": (finite_or_none(low), finite_or_none(high)),
        "seeds": [finite_or_none(value) for value in drawn[:, 0]],
    }
