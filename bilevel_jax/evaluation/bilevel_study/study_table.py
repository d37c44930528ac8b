"""The table of a study: each row's scores, its gain over no correction, and what the exact hypergradient beats."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bilevel_jax.evaluation.bilevel_study.study_cells import Cell
from bilevel_jax.evaluation.bilevel_study.study_draws import Unit, each_seed
from bilevel_jax.evaluation.bilevel_study.study_rows import CONTROLS, ROWS
from bilevel_jax.evaluation.bilevel_study.study_statistics import Difference, holm, paired_difference
from bilevel_jax.markdown_table import markdown_table

Cells = Mapping[str, Sequence[Cell]]  # row -> its cells
FIGURES = {"test": "precision", "explained": "explained variance"}  # what rows are compared by -> its name in tables
REFERENCE = "ignore"
EXACT = "exact"


class Compared(NamedTuple):
    """A paired difference of the main score, and its p-value after Holm's correction."""

    difference: Difference
    holm: float


def differences(cells: Cells, against: str, figure: str = "test", unit: Unit = each_seed) -> dict[str, Compared]:
    """Each row's figure minus that of the row `against`, over the seeds at which both have it, with Holm over the rows.

    Args:
        cells: of the rows.
        against: a row.
        figure: a key of the cells' scores, see `figure_of`.
        unit: a function seed -> what the interval is taken over; figures of one unit are averaged first.
    """
    found = {}
    for row in cells:
        if (
            row != against
            and against in cells
            and (pair := _paired(cells[row], cells[against], figure, unit)) is not None
        ):
            found[row] = paired_difference(*pair)
    adjusted = holm({row: d.p for row, d in found.items()})
    return {row: Compared(d, adjusted[row]) for row, d in found.items()}


def share_of_exact(found: Mapping[str, Compared], row: str) -> float | None:
    """A row's gain as a share of the exact hypergradient's; None where the exact gain's interval holds 0."""
    if row not in found or EXACT not in found:
        return None
    exact = found[EXACT].difference
    return found[row].difference.mean / exact.mean if exact.low > 0 or exact.high < 0 else None


def study_table(cells: Cells, unit: Unit = each_seed) -> str:
    """The table as Markdown: scores in per cent, differences in points over the units of `differences`."""
    known = scores_of(cells)
    figures = compared_figures(cells)
    gains, ahead = ({name: differences(cells, row, name, unit) for name in figures} for row in (REFERENCE, EXACT))
    tests = [name for name in known if name in ("test", "longer", "night", "day")]
    head = ["row", *tests, "own"]
    for name in figures:
        head += [f"gain over ignore, {FIGURES[name]}", "Holm p", "share of exact"]
    head += ["cost", "like vis / ir"]
    lines, reference = [], cells[REFERENCE][0]["passes"] if REFERENCE in cells else float("nan")
    for row, its in cells.items():
        means = {name: _mean([figure_of(c, name) for c in its]) for name in known}
        line = [f"`{row}`: {ROWS[row].about}", *(_percent(means.get(name)) for name in (*tests, "own"))]
        for name in figures:
            share = share_of_exact(gains[name], row)
            line += [points(gains[name].get(row)), _p(gains[name].get(row)), _number(share, ".2f")]
        likeness = " / ".join(_number(means.get(name), ".2f") for name in ("like_visible", "like_infrared"))
        lines.append([*line, _number(its[0]["passes"] / reference, ".2f"), likeness])
    text = markdown_table(head, lines)
    controls = [row for row in CONTROLS if row in ahead["test"]]
    if controls:
        against, head = [], ["exact minus"]
        for name in figures:
            head += [FIGURES[name], "Holm p"]
        for row in controls:
            parts = [(points(ahead[name][row], -1), _p(ahead[name][row])) for name in figures]
            against.append([f"`{row}`", *(text for part in parts for text in part)])
        text += "\n" + markdown_table(head, against)
    return text + _broken(cells) + "\n" + log_table(cells)


def scores_of(cells: Cells) -> list[str]:
    """The names of all scores, in the order in which the cells have them."""
    return list(dict.fromkeys(name for its in cells.values() for cell in its for name in cell["scores"]))


def compared_figures(cells: Cells) -> list[str]:
    """The names of `FIGURES` that the cells have."""
    return [name for name in FIGURES if name == "test" or "error" in scores_of(cells)]


def log_table(cells: Cells) -> str:
    """The corrections of the rows that have logs, as means over the seeds at the start and the end of a training."""
    lines = []
    for row, its in cells.items():
        logs = [c for c in its if c["log"]]
        if not logs:
            continue
        line = [f"`{row}`"]
        for figure in ("unsolved", "correction", "exact_correction", "cosine", "correction_cosine", "length"):
            ends = [_mean([c["log"][place][figure] for c in logs]) for place in ("start", "end")]
            line.append(" / ".join(_number(value, ".2g") for value in ends))
        residual = _mean([c["log"]["end"]["residual"] for c in logs])
        noise = _mean([c.get("noise") for c in logs])
        line += [_number(value, ".2g") for value in (noise, residual)]
        lines.append(line)
    head = ["row (start / end)", "f_v / f_v(0)", "correction / F_w", "the exact one's", "cosine", "of corrections"]
    return markdown_table([*head, "length", "signal to noise", "residual"], lines) if lines else ""


def points(compared: Compared | None, sign: int = 1) -> str:
    """A difference in points of 1/100 with its interval, "-" where there is none; one seed has no interval."""
    if compared is None or np.isnan(compared.difference.mean):
        return "-"
    d = compared.difference
    if np.isnan(d.low):
        return f"{100 * sign * d.mean:+.2f}"
    low, high = sorted((100 * sign * d.low, 100 * sign * d.high))
    return f"{100 * sign * d.mean:+.2f} [{low:+.2f}, {high:+.2f}]"


def figure_of(cell: Cell, figure: str) -> float:
    """A figure of a cell: one of its scores, or "explained", the share of variance that fresh heads explain.

    NaN stands for a figure that is missing, as where the training broke or a head diverged.
    """
    value = cell["scores"].get("error" if figure == "explained" else figure)
    if value is None:
        return float("nan")
    return 1 - value if figure == "explained" else value


def _paired(
    row: Sequence[Cell], other: Sequence[Cell], figure: str, unit: Unit
) -> tuple[np.ndarray, np.ndarray] | None:
    one, two = ({c["seed"]: figure_of(c, figure) for c in part} for part in (row, other))
    both: dict[int, list[tuple[float, float]]] = {}
    for seed in sorted(one.keys() & two.keys()):
        if not np.isnan(one[seed] + two[seed]):
            both.setdefault(unit(seed), []).append((one[seed], two[seed]))
    means = np.array([np.mean(both[name], axis=0) for name in sorted(both)])
    return (means[:, 0], means[:, 1]) if both else None


def _broken(cells: Cells) -> str:
    """A sentence for each row whose fusion rules or fresh heads diverged, which makes its figures NaN."""
    sentences = []
    for row, its in cells.items():
        if lost := [str(cell["seed"]) for cell in its if np.isnan(figure_of(cell, "test"))]:
            sentences.append(
                f"\n`{row}`: {len(lost)} of {len(its)} seeds broke ({', '.join(lost)}): the fusion rule or a fresh "
                "head diverged. The row's figures are of the others.\n"
            )
    return "".join(sentences)


def _percent(value: float | None) -> str:
    return "-" if value is None else _number(100 * value, ".1f")


def _number(value: float | None, form: str) -> str:
    return "-" if value is None or np.isnan(value) else format(value, form)


def _p(compared: Compared | None) -> str:
    if compared is None or np.isnan(compared.holm):
        return "-"
    return "< 0.001" if compared.holm < 0.001 else f"{compared.holm:.3f}"


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and not np.isnan(value)]
    return float(np.mean(known)) if known else None
