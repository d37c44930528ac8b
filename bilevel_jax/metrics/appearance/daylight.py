"""Daylight: whether a picture taken by day still looks like day."""

import numpy as np

from bilevel_jax.metrics.appearance.blocks import daylight_blocks
from bilevel_jax.metrics.appearance.measure import UNDEFINED, Measure, Observations
from bilevel_jax.metrics.appearance.pair import FusedPair


def daylight(pair: FusedPair) -> Observations:
    """Correlation of fused and visible luma over the block means of a daylight picture, in [-1, 1]; higher is better.

    A fused image whose blocks are all alike keeps nothing of the daylight: 0.
    """
    visible, fused = daylight_blocks(pair)
    if not _varies(visible):
        return UNDEFINED
    spread = visible.std() * fused.std()
    return np.array([_covariance(visible, fused) / spread if _varies(fused) else 0.0])


def slope(pair: FusedPair) -> Observations:
    """Slope of fused on visible luma over the block means of a daylight picture (least squares); 1 is best."""
    visible, fused = daylight_blocks(pair)
    return np.array([_covariance(visible, fused) / visible.var()]) if _varies(visible) else UNDEFINED


def shift(pair: FusedPair) -> Observations:
    """Difference of the mean luma of fused and visible, in levels of 255, of a daylight picture; lower is better."""
    visible, fused = daylight_blocks(pair)
    return np.array([abs(fused.mean() - visible.mean())]) if visible.size else UNDEFINED


def _varies(blocks: np.ndarray) -> bool:
    # The blocks are means of whole levels. Below this their spread is a rounding error.
    return blocks.size > 1 and bool(blocks.std() > 1e-6)


def _covariance(visible: np.ndarray, fused: np.ndarray) -> float:
    return float(np.mean((visible - visible.mean()) * (fused - fused.mean())))


_DARK = "a visible mean under 90, images under 16 x 16"
MEASURES = (
    Measure(
        "daylight",
        daylight,
        "correlation of fused and visible luma in block means of 16 x 16, of pictures by daylight",
        "up",
        f"{_DARK}, visible blocks that are all alike",
    ),
    Measure(
        "slope",
        slope,
        "slope of fused on visible luma in the same blocks",
        "one",
        f"{_DARK}, visible blocks that are all alike",
    ),
    Measure(
        "shift",
        shift,
        "largest difference of the mean luma of fused and visible, of pictures by daylight",
        "down",
        _DARK,
        pooled="largest",
        unit="levels",
    ),
)
