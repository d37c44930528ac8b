"""Measures of what an eye minds in a fused picture: black skies, white people, grain, flicker, lost colour.

`observe` takes a fused pair and returns what every measure sees in it; `figure` makes one number of many pairs. The
measures are functions of a `FusedPair` (NumPy, on the host). `MEASURES` is the registry: one file for each subject.
"""

from bilevel_jax.metrics.appearance.evaluate import figure, observe, worst
from bilevel_jax.metrics.appearance.measure import Measure, Observations
from bilevel_jax.metrics.appearance.pair import Fuse, FusedPair, Means, fused_pair
from bilevel_jax.metrics.appearance.registry import MEASURES

__all__ = [
    "MEASURES",
    "Fuse",
    "FusedPair",
    "Means",
    "Measure",
    "Observations",
    "figure",
    "fused_pair",
    "observe",
    "worst",
]
