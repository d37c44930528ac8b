"""Tables of figures as aligned text or Markdown."""

import math
from collections.abc import Mapping, Sequence


def format_table(
    rows: Sequence[Mapping[str, object]],
    columns: Sequence[str] | None = None,
    *,
    digits: int = 3,
    markdown: bool = False,
) -> str:
    """Formats rows as an aligned table, with texts to the left and numbers to the right.

    Args:
        rows: one mapping a row, column -> value. A missing value, None and NaN are printed as "-".
        columns: the columns to print, in order; None = all of them, in the order of their first appearance.
        digits: decimals of a float.
        markdown: True prints a Markdown table as GitHub reads it.
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


def split_title(split: str, count: int) -> str:
    """Names the pairs that a table is about, such as "test, 48 pairs".

    For val the title adds that weights were chosen on these pairs.
    """
    return f"{split}, {count:,} pairs" + (" (they choose weights: no test figures)" if split == "val" else "")


def _is_number(value: object) -> bool:
    # A NumPy scalar is a number without being an int or a float.
    return hasattr(value, "__float__") and not isinstance(value, str | bool)


def _text(value: object, digits: int) -> str:
    if value is None:
        return "-"
    if isinstance(value, int | str | bool) or not hasattr(value, "__float__"):
        return str(value)
    number = float(value)
    return "-" if math.isnan(number) else f"{number:.{digits}f}"
