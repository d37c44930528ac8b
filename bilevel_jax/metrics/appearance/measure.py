"""What every measure of this folder is: a `Measure`, one column of a table."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float64

from bilevel_jax.metrics.appearance.pair import FusedPair

Observations = Float64[np.ndarray, " n"]
Better = Literal["up", "down", "one"]
UNDEFINED: Observations = np.empty(0)


class Measure(NamedTuple):
    """One column of a table of appearance.

    Attributes:
        name: of the column.
        function: function of a fused pair. It returns one value for each thing that it measures (the image, a block, a
            box), and none where it is undefined. Whether it is undefined never depends on the fused image, so an
            undefined value cannot improve a rank.
        description: one clause for the legend of a table and the documentation.
        better: whether higher or lower is better, or the value nearest to 1.
        undefined: noun phrases for the documentation: where there is no value.
        pooled: how the values of many images become one figure: their mean, or the largest.
        unit: "" = none.
    """

    name: str
    function: Callable[[FusedPair], Observations]
    description: str
    better: Better
    undefined: str
    pooled: Literal["mean", "largest"] = "mean"
    unit: str = ""
