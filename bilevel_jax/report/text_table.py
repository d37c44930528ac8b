"""Tables of figures as text."""

import math
from collections.abc import Mapping, Sequence
from typing import Any


def format_table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None, *, digits: int = 3, markdown: bool = False
) -> str:
    """The rows as an aligned text table: text to the left, numbers to the right.

    Args:
        rows: one dict a row; a missing value, None and NaN are printed as "-".
        columns: the keys to print, in order; all of them, in the order of their first appearance, where none are given.
        digits: decimals of a float.
        markdown: with the bars and the rule of a Markdown table (GitHub's).
    """
    columns = list(columns) if columns is not None else list(dict.fromkeys(key for row in rows for key in row))
    cells = [[_text(row.get(column), digits) for column in columns] for row in rows]
    widths = [max([len(column), 3] + [len(line[i]) for line in cells]) for i, column in enumerate(columns)]
    right = [any(_is_number(row.get(column)) for row in rows) for column in columns]

    def join(line: Sequence[str]) -> str:
        padded = [t.rjust(w) if r else t.ljust(w) for t, w, r in zip(line, widths, right, strict=True)]
        return f"| {' | '.join(padded)} |" if markdown else "  ".join(padded).rstrip()

    rule = ["-" * (w - 1) + (":" if r and markdown else "-") for w, r in zip(widths, right, strict=True)]
    return "\n".join(join(line) for line in [columns, rule, *cells])


def _is_number(value: Any) -> bool:
    # numpy's scalars are numbers without being int or float.
    return hasattr(value, "__float__") and not isinstance(value, str | bool)


def _text(value: Any, digits: int) -> str:
    if value is None:
        return "-"
    if isinstance(value, int | str | bool) or not _is_number(value):
        return str(value)
    value = float(value)
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def split_title(split: str, count: int) -> str:
    """What a table is about, such as "test, 48 pairs"; of val it says that weights were chosen by these pairs."""
    return f"{split}, {count:,} pairs" + (" (they choose weights: no test figures)" if split == "val" else "")
