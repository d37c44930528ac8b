"""Reads the answers that people gave to the sheets, and says how far two people agree."""

import csv
import os
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from bilevel_jax.errors import InputError

CHOICES = ("A", "B", "=")
COLUMNS = ["sheet", "answer"]


def read_answers(path: str | os.PathLike, sheets: Collection[str]) -> dict[str, str]:
    """Reads the answers of one person: a CSV file with the columns sheet and answer.

    Args:
        path: the file. Small letters are read as well, and numbers without their leading zeros, which some programs
            remove when they save a table.
        sheets: the numbers of all sheets.

    Returns:
        Number of a sheet -> "A", "B" or "=", in the order of `sheets`.

    Raises:
        InputError: the file is missing or is no such table, an answer is none of A, B and =, or a sheet is unknown, is
            there twice, or is missing.
    """
    path, found = Path(path), {}
    lines: dict[str, int] = {}
    by_number = {int(sheet): sheet for sheet in sheets}
    rows = _read_rows(path)
    for line, row in rows:
        if len(row) != len(COLUMNS):
            raise InputError(f"{path}, line {line} has {len(row)} cells; expected a sheet and an answer.")
        text, answer = row[0].strip(), row[1].strip().upper()
        sheet = by_number.get(int(text)) if text.isdecimal() else None
        if sheet is None:
            raise InputError(f"{path}, line {line} has the sheet {text!r}; expected {_span(sheets)}.")
        if sheet in found:
            raise InputError(f"{path}, line {line} repeats sheet {sheet} of line {lines[sheet]}; expected it once.")
        if answer not in CHOICES:
            raise InputError(f"{path}, line {line} has the answer {row[1]!r}; expected one of {', '.join(CHOICES)}.")
        found[sheet], lines[sheet] = answer, line
    missing = [sheet for sheet in sheets if sheet not in found]
    if missing:
        end = rows[-1][0] if rows else 1
        raise InputError(
            f"{path} ends on line {end} without an answer to {len(missing)} of {len(sheets)} sheets, the first of them "
            f"{missing[0]}; expected {_span(sheets)}."
        )
    return {sheet: found[sheet] for sheet in sheets}


def agreement(one: Sequence[str], other: Sequence[str]) -> tuple[float, float]:
    """How far two people agree on the same sheets: the share of equal answers, and Cohen's kappa.

    Kappa is (equal - chance) / (1 - chance). Chance is the share that would be equal if both gave their own numbers of
    A, B and = at random. The sides are random, so chance does not grow where both prefer one method. Cohen, "A
    coefficient of agreement for nominal scales", Educational and Psychological Measurement 20, 1960, equation 1.

    Args:
        one, other: "A", "B" or "=" of every sheet, in one order.

    Returns:
        The share in [0, 1], and kappa in [-1, 1]; NaN where both always gave one and the same answer.
    """
    same = float(np.mean([a == b for a, b in zip(one, other, strict=True)]))
    chance = sum(list(one).count(choice) * list(other).count(choice) for choice in CHOICES) / len(one) ** 2
    return same, (same - chance) / (1 - chance) if chance < 1 else float("nan")


def _read_rows(path: Path) -> list[tuple[int, list[str]]]:
    """The rows that are not empty, below the header, with their line numbers."""
    try:
        # Spreadsheet programs may put a byte order mark in front.
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a CSV file: {error}.") from error
    header = [cell.strip().lower() for cell in rows[0][1]] if rows else []
    if header != COLUMNS:
        raise InputError(
            f"{path} starts with {','.join(header) or 'nothing'}; expected the columns {','.join(COLUMNS)}."
        )
    return rows[1:]


def _span(sheets: Collection[str]) -> str:
    numbers = list(sheets)
    return f"each of the sheets {numbers[0]} to {numbers[-1]} once"
