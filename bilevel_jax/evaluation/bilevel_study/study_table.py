"""The table of a study: each row's scores, its gain over no correction, and what the exact hypergradient beats."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bilevel_jax.evaluation.bilevel_study.study_cells import Cell
from bilevel_jax.evaluation.bilevel_study.study_rows import CONTROLS, ROWS
from bilevel_jax.evaluation.bilevel_study.study_statistics import Difference, holm, paired_difference
from bilevel_jax.markdown_table import markdown_table

Cells = Mapping[str, Sequence[Cell]]  # row -> its cells
REFERENCE = "ignore"
EXACT = "exact"


class Compared(NamedTuple):
    """A paired difference of the main score, and its p-value after Holm's correction."""

    difference: Difference
    holm: float


def differences(cells: Cells, against: str) -> dict[str, Compared]:
    """Each row's score minus that of the row `against`, over the seeds that both have, with Holm over the rows."""
    found = {}
    for row in cells:
        if row != against and against in cells and (pair := _paired(cells[row], cells[against])) is not None:
            found[row] = paired_difference(*pair)
    adjusted = holm({row: d.p for row, d in found.items()})
    return {row: Compared(d, adjusted[row]) for row, d in found.items()}


def share_of_exact(found: Mapping[str, Compared], row: str) -> float | None:
    """A row's gain as a share of the exact hypergradient's; None where the exact gain's interval holds 0."""
    if row not in found or EXACT not in found:
        return None
    exact = found[EXACT].difference
    return found[row].difference.mean / exact.mean if exact.low > 0 or exact.high < 0 else None


def study_table(cells: Cells) -> str:
    """The table as Markdown: scores in per cent, differences in points."""
    gains, ahead = differences(cells, REFERENCE), differences(cells, EXACT)
    tests = [name for name in next(iter(cells.values()))[0]["scores"] if name in ("test", "longer", "night", "day")]
    head = ["row", *tests, "own", "gain over ignore", "Holm p", "share of exact", "cost", "like vis / ir"]
    lines, reference = [], cells[REFERENCE][0]["passes"] if REFERENCE in cells else float("nan")
    for row, its in cells.items():
        means = {name: float(np.mean([c["scores"][name] for c in its])) for name in its[0]["scores"]}
        share = share_of_exact(gains, row)
        lines.append(
            [
                f"`{row}`: {ROWS[row].about}", *(f"{100 * means[name]:.1f}" for name in tests),
                f"{100 * means['own']:.1f}", points(gains.get(row)), _p(gains.get(row)),
                "-" if share is None else f"{share:.2f}", f"{its[0]['passes'] / reference:.2f}",
                f"{means['like_visible']:.2f} / {means['like_infrared']:.2f}",
            ]
        )  # fmt: skip
    text = markdown_table(head, lines)
    controls = [row for row in CONTROLS if row in ahead]
    if controls:
        against = [[f"`{row}`", points(ahead[row], -1), _p(ahead[row])] for row in controls]
        text += "\n" + markdown_table(["exact minus", "points", "Holm p"], against)
    return text + "\n" + log_table(cells)


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
            line.append(" / ".join("-" if value is None else f"{value:.2g}" for value in ends))
        residual = _mean([c["log"]["end"]["residual"] for c in logs])
        noise = _mean([c.get("noise") for c in logs])
        line += ["-" if value is None else f"{value:.2g}" for value in (noise, residual)]
        lines.append(line)
    head = ["row (start / end)", "f_v / f_v(0)", "correction / F_w", "the exact one's", "cosine", "of corrections"]
    return markdown_table([*head, "length", "signal to noise", "residual"], lines) if lines else ""


def points(compared: Compared | None, sign: int = 1) -> str:
    """A difference in points of 1/100 with its interval, "-" where there is none."""
    if compared is None:
        return "-"
    d = compared.difference
    low, high = sorted((100 * sign * d.low, 100 * sign * d.high))
    return f"{100 * sign * d.mean:+.2f} [{low:+.2f}, {high:+.2f}]"


def _paired(row: Sequence[Cell], other: Sequence[Cell]) -> tuple[np.ndarray, np.ndarray] | None:
    one, two = ({c["seed"]: c["scores"]["test"] for c in part} for part in (row, other))
    seeds = sorted(one.keys() & two.keys())
    return (np.array([one[s] for s in seeds]), np.array([two[s] for s in seeds])) if seeds else None


def _p(compared: Compared | None) -> str:
    if compared is None or np.isnan(compared.holm):
        return "-"
    return "< 0.001" if compared.holm < 0.001 else f"{compared.holm:.3f}"


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
