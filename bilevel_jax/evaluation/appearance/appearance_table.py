"""The table of appearance: every set by day and by night, and of each measure the worst of them in front."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict

from bilevel_jax.atomic import write_json, write_text
from bilevel_jax.evaluation.appearance.measure_set import Figures, Group
from bilevel_jax.metrics.appearance import MEASURES, worst
from bilevel_jax.report.text_table import format_table


class Worst(NamedTuple):
    """The worst figure of a method by one measure.

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
    """

    groups: tuple[Group, ...]
    worst: dict[str, dict[str, Worst]]

    def parts(self) -> list[tuple[str, dict[str, Figures]]]:
        """Title and rows of every table to show: the worst of all groups in front, where there are several."""
        worst = {method: {name: found.value for name, found in own.items()} for method, own in self.worst.items()}
        groups = [(_title(group), group.rows) for group in self.groups]
        return [(f"worst, of {len(groups)} groups", worst), *groups] if len(groups) > 1 else groups


class GroupFile(TypedDict):
    """One group of appearance.json; an undefined figure is null."""

    set: str
    light: str
    pairs: int
    rows: dict[str, dict[str, float | None]]


class WorstFile(TypedDict):
    """One worst figure of appearance.json."""

    value: float | None
    set: str
    light: str


class AppearanceFile(TypedDict):
    """The content of appearance.json."""

    worst: dict[str, dict[str, WorstFile]]
    groups: list[GroupFile]


def make_table(groups: Sequence[Group]) -> AppearanceTable:
    """The table of the groups of one or several sets, which all have the same methods."""
    methods = list(groups[0].rows) if groups else []
    return AppearanceTable(tuple(groups), {m: {name: _worst(groups, m, name) for name in MEASURES} for m in methods})


def appearance_text(table: AppearanceTable, markdown: bool = False) -> str:
    """The worst figures of all groups, where there are several, and then those of every group."""
    parts = []
    for title, rows in table.parts():
        # The first column says once more what a line is about, so that a line can be searched for and copied alone.
        about = title.partition(",")[0]
        lines = [{"pairs": about, "method": method, **row} for method, row in rows.items()]
        parts += [f"Appearance, {title}:", format_table(lines, markdown=markdown)]
    return "\n\n".join(parts)


def write_appearance(folder: str | os.PathLike, table: AppearanceTable, name: str = "appearance") -> None:
    """Writes FOLDER/NAME.json and FOLDER/NAME.md.

    Raises:
        InputError: a file cannot be written.
    """
    content: AppearanceFile = {
        "worst": {
            method: {name: {"value": _known(w.value), "set": w.set_name, "light": w.light} for name, w in own.items()}
            for method, own in table.worst.items()
        },
        "groups": [
            {
                "set": group.set_name,
                "light": group.light,
                "pairs": group.pairs,
                "rows": {method: {n: _known(v) for n, v in row.items()} for method, row in group.rows.items()},
            }
            for group in table.groups
        ],
    }
    write_json(Path(folder) / f"{name}.json", content)
    write_text(Path(folder) / f"{name}.md", appearance_text(table, markdown=True) + "\n")


def _worst(groups: Sequence[Group], method: str, name: str) -> Worst:
    figures = [group.rows[method][name] for group in groups]
    place = worst(MEASURES[name].better, figures)
    if place is None:
        return Worst(math.nan, "", "")
    return Worst(figures[place], groups[place].set_name, groups[place].light)


def _title(group: Group) -> str:
    return f"{group.set_name} by {group.light}, {group.pairs:,} pair{'s' * (group.pairs != 1)}"


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
