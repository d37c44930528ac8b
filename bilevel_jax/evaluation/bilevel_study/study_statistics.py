"""Paired differences between rows over seeds, their intervals, and what many comparisons do to their p-values."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

LEVEL = 0.95


class Difference(NamedTuple):
    """How much better one row is than another over the same seeds.

    Attributes:
        mean: mean difference.
        low, high: Student's 95 % interval; NaN with fewer than two seeds.
        p: two-sided p-value of the paired t-test; NaN with fewer than two seeds, 0 or 1 where all
            differences are alike.
        seeds: number of seeds.
    """

    mean: float
    low: float
    high: float
    p: float
    seeds: int


def paired_difference(row: Float[np.ndarray, " s"], other: Float[np.ndarray, " s"]) -> Difference:
    """The difference row - other of figures at the same seeds, which used the same random numbers.

    Raises:
        ValueError: the numbers of seeds differ, or there are none.
    """
    if len(row) != len(other) or not len(row):
        raise ValueError(f"{len(row)} and {len(other)} figures, expected equally many and at least one")
    d = np.asarray(row, float) - np.asarray(other, float)
    n, mean = len(d), float(d.mean())
    if n < 2:
        return Difference(mean, np.nan, np.nan, np.nan, n)
    error = float(d.std(ddof=1) / np.sqrt(n))
    if error == 0:
        return Difference(mean, mean, mean, float(mean == 0), n)
    reach = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1)) * error
    return Difference(mean, mean - reach, mean + reach, float(2 * stats.t.sf(abs(mean) / error, n - 1)), n)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's adjusted p-values: below 0.05, a difference stands in spite of the number of comparisons; NaN stays NaN.

    Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979.
    """
    known = sorted((p, name) for name, p in p_values.items() if not np.isnan(p))
    adjusted, largest = {name: float("nan") for name in p_values}, 0.0
    for place, (p, name) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - place)))
        adjusted[name] = largest
    return adjusted
