"""The figures of all judges, and how much better each input is than a reference, with intervals over the images."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from bilevel_jax.evaluation.bootstrap import BLOCK, DRAWS, interval, resampled_blocks
from bilevel_jax.evaluation.judges.judge import Judge
from bilevel_jax.evaluation.judges.judge_rows import Findings
from bilevel_jax.evaluation.judges.relative_gain import Drawn, Figures, known_gains
from bilevel_jax.evaluation.judges.remaining_gain import Remaining, remaining_gains

ALL = "all"  # the group of all images, beside "day" and "night"


class Estimate(NamedTuple):
    """A figure in [0, 1], or a relative difference of two.

    Attributes:
        value: of the whole set; NaN where it is undefined.
        bounds: bootstrap 95 % interval over blocks of neighbouring images.
        lacking: how many bootstrap samples are left out because they lack a class that the set has.
        zero: how many of the others are left out because the reference has the figure 0 there.
        without: how many judges and sets are left out because the reference has the figure 0 over all images.
    """

    value: float
    bounds: tuple[float, float]
    lacking: int = 0
    zero: int = 0
    without: int = 0


Row = Mapping[str, Estimate]  # figure -> estimate


class SetAbout(NamedTuple):
    """A data set as a table names it.

    Attributes:
        name, split: which pairs.
        images: number of pairs with labels.
        light: what says day or night: "names" or "visible mean".
        groups: group -> number of pairs.
    """

    name: str
    split: str
    images: int
    light: str
    groups: Mapping[str, int]


class Relative(NamedTuple):
    """Relative differences to one reference: (input - reference) / reference.

    There is none where the reference has the figure 0. A judge and set where it has 0 over all images are left out of
    the means. A single bootstrap sample where it has 0 is left out of the interval. Both are counted.

    Attributes:
        pooled: group -> row -> figure: the mean over all judges and sets that have the figure.
        of_judge: judge -> row -> figure: the mean over the sets, all images.
        of_set: set -> row -> figure: the mean over the judges, all images.
        of_cell: set -> judge -> group -> row -> figure: of one judge on one set.
    """

    pooled: Mapping[str, Mapping[str, Row]]
    of_judge: Mapping[str, Mapping[str, Row]]
    of_set: Mapping[str, Mapping[str, Row]]
    of_cell: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Row]]]]


class Judgement(NamedTuple):
    """What all judges say.

    Attributes:
        task: "detection" or "segmentation".
        judges: judge -> its make.
        sets: the data sets.
        figures: set -> judge -> group -> row -> figure.
        relative: reference -> relative differences to it.
        draws: number of bootstrap samples.
        after: the disturbances, such as "jpeg75".
        remaining: group -> row -> disturbance -> figure: what remains of the gain over the first reference, the mean
            over all judges and sets. {} without disturbances.
    """

    task: str
    judges: Mapping[str, str]
    sets: Sequence[SetAbout]
    figures: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Row]]]]
    relative: Mapping[str, Relative]
    draws: int
    after: Sequence[str] = ()
    remaining: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Remaining]]]] = MappingProxyType({})


def judgement(
    judges: Sequence[Judge],
    findings: Sequence[Findings],
    references: Sequence[str],
    *,
    draws: int = DRAWS,
    block: int = BLOCK,
    seed: int = 0,
) -> Judgement:
    """Computes the figures and the relative differences to each reference.

    All judges and all inputs of a data set share the samples of its images, so all differences are paired and the
    judges are resampled jointly. The sets are resampled independently of each other. A mean over judges and sets is
    taken within each sample. It leaves out the judges and sets that lack the figure, such as cars where there are none.
    A sample that lacks a class of the set is left out, for all inputs alike. So is one where the reference has 0.

    Args:
        judges: of one task.
        findings: of each data set, with the same rows.
        references: the rows that all rows are compared with.
        draws: number of samples.
        block: how many neighbouring images, in the order of their names, are drawn together.
        seed: of the samples.
    """
    drawn: dict[str, dict[str, dict[str, dict[str, Figures]]]] = {}
    abouts = []
    for place, found in enumerate(findings):
        groups = drawn_images(found, draws, block, seed + place)
        abouts.append(about_set(found, groups))
        drawn[found.about.name] = {
            judge.name: {
                group: {row: judge.figures(evidence, counts) for row, evidence in found.evidence[judge.name].items()}
                for group, counts in groups.items()
            }
            for judge in judges
        }
    figures = {
        name: {
            judge: {group: {row: _estimates(own) for row, own in rows.items()} for group, rows in by_group.items()}
            for judge, by_group in by_judge.items()
        }
        for name, by_judge in drawn.items()
    }
    names = [judge.name for judge in judges]
    relative = {}
    for reference in references:
        cells = {(name, judge): drawn[name][judge] for name in drawn for judge in names}
        relative[reference] = Relative(
            {group: _compared(list(cells.values()), group, reference) for group in _all_groups(abouts)},
            {
                judge: _compared([own for (_, other), own in cells.items() if other == judge], ALL, reference)
                for judge in names
            },
            {
                name: _compared([own for (other, _), own in cells.items() if other == name], ALL, reference)
                for name in drawn
            },
            {
                name: {
                    judge: {group: _compared([own], group, reference) for group in own}
                    for judge, own in by_judge.items()
                }
                for name, by_judge in drawn.items()
            },
        )
    after = findings[0].after
    remaining = {
        group: remaining_gains(_of_group(drawn, group), references[0], after) for group in _all_groups(abouts) if after
    }
    about_judges = {judge.name: judge.about for judge in judges}
    return Judgement(
        judges[0].task, about_judges, abouts, figures, relative, draws, [str(own) for own in after], remaining
    )


def _of_group(
    drawn: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Figures]]]], group: str
) -> list[Mapping[str, Figures]]:
    """Row -> figures of each judge and set that has the group."""
    return [own[group] for by_judge in drawn.values() for own in by_judge.values() if group in own]


def about_set(found: Findings, groups: Mapping[str, Int[np.ndarray, "samples images"]]) -> SetAbout:
    """Returns what a table says of a data set, whose groups `drawn_images` has drawn."""
    members = {group: int(counts[0].sum()) for group, counts in groups.items()}
    return SetAbout(found.about.name, found.about.split, len(found.about.source), found.light.said_by, members)


def drawn_images(
    found: Findings, draws: int = DRAWS, block: int = BLOCK, seed: int = 0
) -> dict[str, Int[np.ndarray, "samples images"]]:
    """Returns group -> how often each image is in each sample.

    The first sample is the group itself, and the others are drawn from its images alone.
    """
    light, groups = found.light.groups, {}
    for group in (ALL, "day", "night"):
        members = np.array([group in (ALL, own) for own in light])
        if not members.any():
            continue
        counts = np.zeros((1 + draws, len(light)), np.int64)
        counts[0] = members
        counts[1:, members] = resampled_blocks(int(members.sum()), block, draws, seed)
        groups[group] = counts
    return groups


def _all_groups(sets: Sequence[SetAbout]) -> list[str]:
    return list(dict.fromkeys(group for own in sets for group in own.groups))


def _compared(
    cells: Sequence[Mapping[str, Mapping[str, Figures]]], group: str, reference: str
) -> dict[str, dict[str, Estimate]]:
    """Row -> figure -> the mean over the cells of the relative difference, for all rows but the reference."""
    rows = [own[group] for own in cells if group in own]
    result = {}
    for row in rows[0]:
        if row == reference:
            continue
        result[row] = {
            figure: _pooled([(own[row][figure], own[reference][figure]) for own in rows]) for figure in rows[0][row]
        }
    return result


def _pooled(pairs: Sequence[tuple[Drawn, Drawn]]) -> Estimate:
    """The mean relative difference of pairs (input, reference), one pair for each judge and set."""
    # A judge or set that lacks the figure is left out. One that lacks it in a single sample makes this sample NaN, so
    # that every sample that counts is a mean over the same judges and sets.
    known = known_gains(pairs)
    without = sum(other[0] == 0 for _, other in pairs)
    if not known:
        return Estimate(float("nan"), (float("nan"), float("nan")), without=int(without))
    mean = np.mean([gain for gain, _ in known], axis=0)
    lacking = np.isnan([other for _, other in known]).any(axis=0)
    zero = np.isnan(mean) & ~lacking
    return Estimate(float(mean[0]), interval(mean[1:]), int(lacking.sum()), int(zero.sum()), int(without))


def _estimates(figures: Figures) -> dict[str, Estimate]:
    return {
        name: Estimate(
            float(values[0]), interval(values[1:]), 0 if np.isnan(values[0]) else int(np.isnan(values).sum())
        )
        for name, values in figures.items()
    }
