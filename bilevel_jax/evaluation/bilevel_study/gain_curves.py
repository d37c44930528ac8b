"""How gains depend on one setting of the study: finished studies that differ in it, as a figure and a table."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from bilevel_jax.atomic import replacing
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.bilevel_study.study_cells import read_cell
from bilevel_jax.evaluation.bilevel_study.study_draws import Unit, each_seed
from bilevel_jax.evaluation.bilevel_study.study_statistics import Difference
from bilevel_jax.evaluation.bilevel_study.study_table import FIGURES, Compared, compared_figures, differences, points
from bilevel_jax.markdown_table import markdown_table

# What a curve can be drawn over -> its name on the axis. A folder that lacks a key has the value of DEFAULTS.
AXES: Mapping[str, str] = MappingProxyType(
    {"gap": "share of outer scenes by night", "inner_steps": "T, inner steps", "labels": "labelled scenes"}
)
DEFAULTS: Mapping[str, Any] = MappingProxyType({"inner_steps": 20, "stage": "ridge"})
PERCENT = 100


class GainPoint(NamedTuple):
    """The gains of the rows in one study.

    Attributes:
        setting: the key of `AXES` in which the studies differ.
        value: of the setting in this study.
        gains: figure of `FIGURES` -> row -> its paired difference to the reference row.
    """

    setting: str
    value: float
    gains: Mapping[str, Mapping[str, Compared]]


def read_gains(folders: Sequence[str | os.PathLike], rows: Sequence[str], unit: Unit = each_seed) -> list[GainPoint]:
    """The gains of the rows over the first of them, in the order of the setting in which the folders differ.

    Args:
        folders: each with the cells and the settings of one study.
        rows: names; the first one is the reference.
        unit: of `differences`.

    Raises:
        InputError: a folder lacks settings or a row's cells, or they do not differ in one setting of `AXES` alone.
    """
    paths = [Path(folder) for folder in folders]
    settings = [_settings(path) for path in paths]
    keys = {key for one in settings for key in one}
    varied = sorted(key for key in keys if len({json.dumps(one.get(key)) for one in settings}) > 1)
    if len(varied) != 1 or varied[0] not in AXES:
        raise InputError(
            f"--gains: the studies differ in {', '.join(varied) or 'nothing'}; expected one of {', '.join(AXES)} alone."
        )
    found = []
    for path, one in zip(paths, settings, strict=True):
        cells = {row: [read_cell(file) for file in sorted(path.glob(f"{row}-seed*.json"))] for row in rows}
        for row, its in cells.items():
            if not its:
                raise InputError(f"--gains: {path} has no cells of the row {row}; expected some, or other --rows.")
        gains = {name: differences(cells, rows[0], name, unit) for name in compared_figures(cells)}
        found.append(GainPoint(varied[0], float(one[varied[0]]), gains))
    return sorted(found, key=lambda point: point.value)


def gain_curve_table(found: Sequence[GainPoint]) -> str:
    """The gains as a Markdown table, with 95 % intervals."""
    shown = [(figure, row) for figure, its in found[0].gains.items() for row in its]
    head = [AXES[found[0].setting], *(f"`{row}`, {FIGURES[figure]}" for figure, row in shown)]
    lines = [[f"{p.value:g}", *(points(p.gains[figure].get(row)) for figure, row in shown)] for p in found]
    return markdown_table(head, lines)


def draw_gain_curves(found: Sequence[GainPoint], reference: str, path: str | os.PathLike) -> None:
    """Draws the gains with 95 % intervals, a panel for each figure and a line for each row.

    Args:
        found: of `read_gains`.
        reference: the row that the gains are over, for the axis.
        path: the picture, a PNG file.
    """
    figures, setting = list(found[0].gains), found[0].setting
    figure = Figure(figsize=(4 * len(figures), 3), layout="constrained")
    panels = figure.subplots(1, len(figures), squeeze=False)[0]
    for axes, name in zip(panels, figures, strict=True):
        for row in found[0].gains[name]:
            its = [(p.value, p.gains[name][row].difference) for p in found if row in p.gains[name]]
            means = [PERCENT * d.mean for _, d in its]
            reach = [PERCENT * _reach(d) for _, d in its]
            axes.errorbar([x for x, _ in its], means, reach, label=row, marker="o", markersize=4, capsize=2)
        axes.axhline(0, color="grey", linewidth=0.8)
        axes.set_xlabel(AXES[setting])
        axes.set_ylabel(f"gain over {reference},\n{FIGURES[name]}, points")
        if setting == "inner_steps":
            ticks = [p.value for p in found]
            axes.set_xscale("log")
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.minorticks_off()
    panels[-1].legend(frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=80)


def _reach(difference: Difference) -> float:
    return (difference.high - difference.low) / 2


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / "settings.json"
    try:
        found = json.loads(path.read_text())
        return {**DEFAULTS, **found}
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"--gains: {path} cannot be read as settings: {error}.") from error
