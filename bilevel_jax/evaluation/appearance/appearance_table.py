"""The table of appearance: every set by day and by night, and of each measure the worst of them in front."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, NotRequired, TypedDict

from bilevel_jax.atomic import finite_or_none, write_json, write_text
from bilevel_jax.evaluation.appearance.distance import Distances
from bilevel_jax.evaluation.appearance.measure_set import Figures, Group
from bilevel_jax.metrics.appearance import MEASURES, worst
from bilevel_jax.metrics.appearance.measure import Better
from bilevel_jax.report.text_table import format_table

DISTANCE = "Distance, mean |difference| of luma to the picture of each named method (levels of 255)"


class Worst(NamedTuple):
    """The worst figure of a method by one measure, or its smallest distance to another method.

    Attributes:
        value: the figure; NaN where all groups are undefined.
        set_name, light: the group that has it; "" where there is none.
    """

    value: float
    set_name: str
    light: str


class AppearanceTable(NamedTuple):
    """Figures of appearance.

    Attributes:
        groups: the sets by day and by night.
        worst: method -> measure -> the worst figure over the groups.
        nearest: method -> other method -> the smallest distance over the groups; {} where nobody asked.
    """

    groups: tuple[Group, ...]
    worst: dict[str, dict[str, Worst]]
    nearest: Mapping[str, Mapping[str, Worst]] = MappingProxyType({})

    def parts(self) -> list[tuple[str, dict[str, Figures]]]:
        """Title and rows of every table to show: the worst of all groups in front, where there are several."""
        worst = {method: {name: found.value for name, found in own.items()} for method, own in self.worst.items()}
        groups = [(_title(group), group.rows) for group in self.groups]
        return [(f"worst, of {len(groups)} groups", worst), *groups] if len(groups) > 1 else groups

    def distance_parts(self) -> list[tuple[str, Mapping[str, Distances]]]:
        """Title and rows of every table of distances: the smallest of all groups in front, where there are several.

        [] where nobody asked for distances.
        """
        if not self.nearest:
            return []
        nearest = {method: {name: found.value for name, found in own.items()} for method, own in self.nearest.items()}
        groups = [(_title(group), group.distances) for group in self.groups]
        return [(f"smallest, of {len(groups)} groups", nearest), *groups] if len(groups) > 1 else groups


class GroupFile(TypedDict):
    """One group of appearance.json; an undefined figure is null."""

    set: str
    light: str
    pairs: int
    rows: dict[str, dict[str, float | None]]
    distances: NotRequired[dict[str, dict[str, float | None]]]


class WorstFile(TypedDict):
    """One worst figure of appearance.json."""

    value: float | None
    set: str
    light: str


class AppearanceFile(TypedDict):
    """The content of appearance.json."""

    worst: dict[str, dict[str, WorstFile]]
    groups: list[GroupFile]
    nearest: NotRequired[dict[str, dict[str, WorstFile]]]


def make_table(groups: Sequence[Group]) -> AppearanceTable:
    """The table of the groups of one or several sets, which all have the same methods."""
    first = groups[0] if groups else None
    return AppearanceTable(
        tuple(groups),
        {
            method: {
                name: _worst(groups, MEASURES[name].better, [own.rows[method][name] for own in groups])
                for name in MEASURES
            }
            for method in (first.rows if first else ())
        },
        {
            method: {name: _worst(groups, "up", [own.distances[method][name] for own in groups]) for name in others}
            for method, others in (first.distances.items() if first else ())
        },
    )


def appearance_text(table: AppearanceTable, markdown: bool = False) -> str:
    """The worst figures of all groups, where there are several, and then those of every group."""
    parts = []
    for title, rows in table.parts():
        # The first column says once more what a line is about, so that a line can be searched for and copied alone.
        about = title.partition(",")[0]
        lines = [{"pairs": about, "method": method, **row} for method, row in rows.items()]
        parts += [f"Appearance, {title}:", format_table(lines, markdown=markdown)]
    for title, distances in table.distance_parts():
        about = title.partition(",")[0]
        lines = [{"pairs": about, "method": method, **row} for method, row in distances.items()]
        parts += [f"{DISTANCE}, {title}:", format_table(lines, digits=2, markdown=markdown)]
    return "\n\n".join(parts)


def write_appearance(folder: str | os.PathLike, table: AppearanceTable, name: str = "appearance") -> None:
    """Writes FOLDER/NAME.json and FOLDER/NAME.md.

    Raises:
        InputError: a file cannot be written.
    """
    content: AppearanceFile = {"worst": _worst_file(table.worst), "groups": [group_file(own) for own in table.groups]}
    if table.nearest:
        content["nearest"] = _worst_file(table.nearest)
    write_json(Path(folder) / f"{name}.json", content)
    write_text(Path(folder) / f"{name}.md", appearance_text(table, markdown=True) + "\n")


def _worst_file(worst: Mapping[str, Mapping[str, Worst]]) -> dict[str, dict[str, WorstFile]]:
    return {
        method: {
            name: {"value": finite_or_none(w.value), "set": w.set_name, "light": w.light} for name, w in own.items()
        }
        for method, own in worst.items()
    }


def group_of_file(content: GroupFile) -> Group:
    """The group that `group_file` has written; a figure that is null there is NaN."""
    rows, distances = (
        {name: {key: math.nan if value is None else value for key, value in row.items()} for name, row in own.items()}
        for own in (content["rows"], content.get("distances", {}))
    )
    return Group(content["set"], content["light"], content["pairs"], rows, distances)


def group_file(group: Group) -> GroupFile:
    """The group as JSON takes it."""
    content: GroupFile = {
        "set": group.set_name,
        "light": group.light,
        "pairs": group.pairs,
        "rows": _known_rows(group.rows),
    }
    if group.distances:
        content["distances"] = _known_rows(group.distances)
    return content


def _known_rows(rows: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    return {method: {name: finite_or_none(value) for name, value in row.items()} for method, row in rows.items()}


def _worst(groups: Sequence[Group], better: Better, figures: Sequence[float]) -> Worst:
    place = worst(better, figures)
    if place is None:
        return Worst(math.nan, "", "")
    return Worst(figures[place], groups[place].set_name, groups[place].light)


def _title(group: Group) -> str:
    return f"{group.set_name} by {group.light}, {group.pairs:,} pair{'s' * (group.pairs != 1)}"
