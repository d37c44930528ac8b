"""What a measurement of alignments says: errors of each set, and what the trust figure finds."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from bilevel_jax.benchmarks.alignment.measure import Measured

BAD = 5.0  # pixels from which an error is one that the trust figure should find
THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)


def error_rows(rows: Sequence[Measured]) -> list[dict[str, object]]:
    """Returns a row for each method and set: pairs, errors in pixels and time of an alignment."""
    table: list[dict[str, object]] = []
    for method in dict.fromkeys(row["method"] for row in rows):
        for name in dict.fromkeys(row["set"] for row in rows):
            group = [row for row in rows if row["method"] == method and row["set"] == name]
            if not group:
                continue
            after = np.array([row["after"] for row in group])
            table.append(
                {
                    "method": method,
                    "set": name,
                    "warped pairs": len(group),
                    "before, median": float(np.median([row["before"] for row in group])),
                    "median": float(np.median(after)),
                    "90 %": float(np.quantile(after, 0.9)),
                    "repeated, median": float(np.median([row["repeated"] for row in group])),
                    f"above {BAD:g} px": f"{100 * (after > BAD).mean():.0f} %",
                    "ms": round(1000 * float(np.median([row["seconds"] for row in group]))),
                }
            )
    return table


def trust_rows(rows: Sequence[Measured]) -> list[dict[str, object]]:
    """Returns a row for each threshold of trust: which share of the bad and of the good alignments lies below it."""
    judged = [(row["trust"], row["after"] > BAD) for row in rows if row["trust"] is not None]
    bad = np.array([trust for trust, is_bad in judged if is_bad])
    good = np.array([trust for trust, is_bad in judged if not is_bad])
    return [
        {
            "trust below": threshold,
            f"errors above {BAD:g} px, of {len(bad)}": _share(bad < threshold),
            f"others, of {len(good)}": _share(good < threshold),
        }
        for threshold in THRESHOLDS
    ]


def shift_rows(rows: Sequence[Measured]) -> list[dict[str, object]]:
    """Returns a row for each set: how many pairs, as they are, are reported to be shifted."""
    table: list[dict[str, object]] = []
    for name in dict.fromkeys(row["set"] for row in rows):
        shifts = {row["name"]: row["shift"] for row in rows if row["set"] == name}
        reported = sum(shift is not None for shift in shifts.values())
        table.append({"set": name, "pairs": len(shifts), "reported as shifted": reported})
    return table


def _share(of: Bool[np.ndarray, " n"]) -> str:
    return f"{100 * of.mean():.0f} %" if of.size else "-"
