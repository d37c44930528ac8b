"""The relative difference of a figure of two inputs, in a set of images and in each bootstrap sample of it."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

Drawn = Float[np.ndarray, " samples"]  # the first sample is the set itself
Figures = Mapping[str, Drawn]  # figure -> samples


def relative_gain(one: Drawn, other: Drawn) -> Drawn:
    """Returns (one - other) / other in each sample; NaN where `other` is 0 or one of them is undefined."""
    return np.divide(one - other, other, out=np.full(len(one), np.nan), where=other > 0)


def known_gains(pairs: Sequence[tuple[Drawn, Drawn]]) -> list[tuple[Drawn, Drawn]]:
    """Returns (relative gain, other) of each pair (one, other) whose gain over all images is defined."""
    gains = [(relative_gain(one, other), other) for one, other in pairs]
    return [(gain, other) for gain, other in gains if not np.isnan(gain[0])]
