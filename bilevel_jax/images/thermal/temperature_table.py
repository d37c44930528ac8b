"""Tables of temperatures (.csv) as thermal programs export them: any separator, decimal comma, headers, row numbers."""

import csv
import re
from collections import Counter

import numpy as np
from jaxtyping import Float64

from bilevel_jax.errors import InputError
from bilevel_jax.images.thermal.infrared_image import InfraredImage
from bilevel_jax.images.thermal.measured_values import measured_image

SUFFIX = ".csv"
# (separator, decimal mark) in the order in which they are tried; " " = any white space.
_STYLES = ((";", "."), (";", ","), ("\t", "."), ("\t", ","), (",", "."), (",", ","), (" ", "."), (" ", ","))
_UNIT = re.compile(r"(?<=[\d.,])\s*°?\s*[CKF]?$", re.IGNORECASE)
_NO_NUMBER = ("n/a", "na", "null", "none", "-", "--", "---")  # what programs write where they have no number

Row = list[float] | None  # the numbers of a line; None where a cell is no number


def recognises(data: bytes, where: str) -> bool:
    """Returns whether the file is named as a table."""
    return where.lower().endswith(SUFFIX)


def decode(data: bytes, where: str) -> InfraredImage:
    """Returns the numbers of a table, one line of the file for one row of the image.

    Lines of text before the table, a line of column numbers, and a column of row numbers are left out. An empty cell,
    NaN and N/A are a pixel without a value. A table of three columns x, y, value becomes an image too.

    Raises:
        InputError: there is no table of at least 2 x 2 numbers, or a line has another length or a cell that is no
            number.
    """
    lines = [(number, line) for number, line in enumerate(_text(data).splitlines(), 1) if line.strip(" \t;,")]
    tables = ([_numbers(_cells(line, separator), mark) for _, line in lines] for separator, mark in _STYLES)
    rows = max(tables, key=_quality, default=[])
    width = _common_width(rows)
    first = next((i for i, row in enumerate(rows) if row is not None and len(row) == width), 0)
    if width < 2 or len(rows) - first < 2:
        raise InputError(f"{where} holds no table of numbers; expected one line of temperatures for each row.")
    table = []
    for (number, line), row in zip(lines[first:], rows[first:], strict=True):
        if row is None or len(row) != width:
            what = "a cell that is no number" if row is None else f"{len(row)} numbers"
            raise InputError(f"{where}, line {number} ({line[:40]!r}) holds {what}; expected {width} numbers.")
        table.append(row)
    values = _without_numbering(np.array(table))
    pivoted = _from_coordinates(values)
    return measured_image((values if pivoted is None else pivoted)[..., None].astype(np.float32), where)


def _text(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:  # a degree sign of an old program
        return data.decode("latin-1")


def _cells(line: str, separator: str) -> list[str]:
    if separator == " ":
        return line.split()
    try:
        return next(csv.reader([line.rstrip(separator + " ")], delimiter=separator), [])
    except csv.Error:  # a cell without an end
        return []


def _numbers(cells: list[str], mark: str) -> Row:
    """The numbers of a line; the first cell may be text or empty, which is then the name of the row."""
    if not cells:
        return None
    numbers: list[float] = []
    for place, cell in enumerate(cells):
        text = _UNIT.sub("", cell.strip())
        text = "" if text.lower() in _NO_NUMBER else text
        try:
            numbers.append(float(text.replace(",", ".") if mark == "," else text) if text else np.nan)
        except ValueError:
            if place:
                return None
            numbers.append(np.nan)
    return numbers if len(cells) > 1 or np.isfinite(numbers).all() else None


def _common_width(rows: list[Row]) -> int:
    widths = Counter(len(row) for row in rows if row)
    return max(widths, key=lambda width: (widths[width], width), default=0)


def _quality(rows: list[Row]) -> int:
    """How many numbers a style finds in lines of one width."""
    width = _common_width(rows)
    finite = (np.isfinite(row).sum() for row in rows if row is not None and len(row) == width)
    return int(sum(finite)) if width > 1 else 0


def _without_numbering(table: Float64[np.ndarray, "h w"]) -> Float64[np.ndarray, "h w"]:
    """Leaves out a first row and a first column that only count, or that have no number at all."""
    if table.shape[0] > 2 and _counts(table[0, 1:], table[1, 1:]):
        table = table[1:]
    if table.shape[1] > 3 and (np.isnan(table[:, 0]).all() or _counts(table[:, 0], table[:, 1])):
        table = table[:, 1:]
    return table


def _counts(line: Float64[np.ndarray, " n"], following: Float64[np.ndarray, " n"]) -> bool:
    if np.isnan(line).all():
        return True
    start, steps = line[0], np.diff(line)
    # A picture that rises evenly counts too, but its next line then rises in the same way.
    return len(line) > 2 and start in (0, 1) and bool((steps == 1).all()) and not np.ptp(following - line) == 0


def _from_coordinates(table: Float64[np.ndarray, "n c"]) -> Float64[np.ndarray, "h w"] | None:
    """The image of a table x, y, value, where each place occurs once; None for every other table."""
    if table.shape[1] != 3 or not np.isfinite(table[:, :2]).all():
        return None
    (xs, column), (ys, row) = (np.unique(table[:, i], return_inverse=True) for i in (0, 1))
    places = row * len(xs) + column
    if min(len(xs), len(ys)) < 2 or len(xs) * len(ys) != len(table) or len(np.unique(places)) != len(table):
        return None
    image = np.empty((len(ys), len(xs)))
    image[row, column] = table[:, 2]
    return image
