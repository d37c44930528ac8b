"""How a method is found by its name, and what a wrong name is told."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def look_up(kind: str, table: Mapping[str, T], name: str) -> T:
    """Returns `table[name]`; raises ValueError naming the nearest valid name where there is none."""
    if name in table:
        return table[name]
    nearest = difflib.get_close_matches(str(name), table, n=1, cutoff=0.0)
    raise ValueError(f"unknown {kind} {name!r}: did you mean {nearest[0]!r}? (one of {', '.join(sorted(table))})")
