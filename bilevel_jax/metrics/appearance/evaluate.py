"""What the measures of appearance say of one fused pair, and of many."""

from collections.abc import Sequence

import numpy as np

from bilevel_jax.errors import InputError
from bilevel_jax.metrics.appearance.measure import Better, Measure, Observations
from bilevel_jax.metrics.appearance.pair import FusedPair
from bilevel_jax.metrics.appearance.registry import MEASURES


def observe(pair: FusedPair, names: Sequence[str] | None = None) -> dict[str, Observations]:
    """What each measure sees in a pair: one value for each thing measured, none where the measure is undefined.

    Args:
        pair: see `fused_pair`.
        names: the measures wanted; None = all of `MEASURES`.

    Raises:
        InputError: a measure is not known.
    """
    for name in names or ():
        if name not in MEASURES:
            raise InputError(f"There is no measure {name!r} of appearance; expected some of {', '.join(MEASURES)}.")
    return {name: MEASURES[name].function(pair) for name in (MEASURES if names is None else names)}


def figure(measure: Measure, seen: Sequence[Observations]) -> float:
    """The figure of a measure over many pairs: the mean or the largest of all values; NaN where there is none."""
    values = np.concatenate([np.empty(0), *seen])
    if not values.size:
        return float("nan")
    return float(values.max() if measure.pooled == "largest" else values.mean())


def worst(better: Better, values: Sequence[float]) -> int | None:
    """The place of the worst of some figures; None where all are undefined. An undefined one is not the worst."""
    badness = {
        i: {"up": -value, "down": value, "one": abs(value - 1.0)}[better]
        for i, value in enumerate(values)
        if np.isfinite(value)
    }
    return max(badness, key=badness.__getitem__) if badness else None
