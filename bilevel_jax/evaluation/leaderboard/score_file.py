"""Reads and writes figures of single images as a CSV file (`--published`, per_image.csv)."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bilevel_jax.atomic import replacing
from bilevel_jax.errors import InputError, first_few
from bilevel_jax.evaluation.leaderboard.image_scores import ImageScores


def read_scores(path: str | os.PathLike, names: Sequence[str]) -> ImageScores:
    """Reads figures of methods from a CSV file with the columns image, method and one for each metric.

    Args:
        path: the file, as `write_scores` makes it. An empty cell is NaN.
        names: the wanted images, in order. Rows of other images are left out.

    Raises:
        InputError: the file is missing or is no such CSV, a cell is no number, a row is there twice, or a method has no
            row for one of the images.
    """
    path = Path(path)
    header, rows = _read_rows(path)
    place = {name: i for i, name in enumerate(names)}
    values: dict[str, np.ndarray] = {}
    seen: dict[tuple[str, str], int] = {}
    for number, row in rows:
        if len(row) != len(header):
            raise InputError(f"{path}, line {number} has {len(row)} cells; expected {len(header)}.")
        image, method = row[:2]
        if (image, method) in seen:
            raise InputError(
                f"{path}, line {number} repeats {image} of {method}, which is on line {seen[image, method]}."
            )
        seen[image, method] = number
        cells = [_number(cell, path, number, name) for cell, name in zip(row[2:], header[2:], strict=True)]
        table = values.setdefault(method, np.full((len(names), len(header) - 2), np.nan))
        if image in place:
            table[place[image]] = cells
    for method in values:
        missing = [name for name in names if (name, method) not in seen]
        if missing:
            raise InputError(
                f"{path} has no row of {method} for {len(missing)} image(s) ({first_few(missing)}); expected a row "
                "for every image that is scored."
            )
    if not values:
        raise InputError(f"{path} holds no row; expected one for every image and method.")
    return ImageScores(tuple(names), tuple(header[2:]), values)


def write_scores(path: str | os.PathLike, scores: ImageScores) -> None:
    """Writes all figures as the CSV file that `read_scores` reads; NaN is an empty cell.

    Raises:
        InputError: the file cannot be written.
    """
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["image", "method", *scores.metrics])
        for method, table in scores.values.items():
            for name, row in zip(scores.names, table, strict=True):
                writer.writerow([name, method, *("" if np.isnan(v) else f"{v:.8g}" for v in row)])


def _read_rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and each further row that is not empty with its line number."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a CSV file: {error}.") from error
    header = rows[0] if rows else []
    if header[:2] != ["image", "method"] or len(header) < 3 or len(set(header)) < len(header):
        found = ",".join(header) or "nothing"
        raise InputError(f"{path} starts with {found}; expected the columns image,method and one for each metric.")
    return header, [(number, row) for number, row in enumerate(rows[1:], 2) if row]


def _number(cell: str, path: Path, line: int, column: str) -> float:
    try:
        return float(cell) if cell.strip() else float("nan")
    except ValueError:
        raise InputError(f"{path}, line {line} has {column} {cell!r}; expected a number.") from None
