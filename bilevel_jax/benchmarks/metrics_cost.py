"""Measures the time of the fusion metrics on one pair: `benchmark.py metrics`."""

import time
from typing import TypedDict

import numpy as np

from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.metrics.fusion import NINE, evaluate

MetricsTime = TypedDict("MetricsTime", {"measures": str, "first ms": float, "least ms": float, "median ms": float})


def measure(height: int, width: int, repeats: int) -> list[MetricsTime]:
    """Times `evaluate` on a built-in scene of height x width pixels for each family of metrics.

    Returns:
        One row a family: milliseconds of the first call, and the least and the median of `repeats` more calls.
    """
    scene = SceneSource(1, 0, height, width)[0]
    infrared, visible = scene["ir"][..., 0], scene["vis"]
    fused = (infrared[..., None] // 2 + visible // 2).astype(np.uint8)
    in_colour = np.repeat(infrared[..., None], 3, axis=-1)
    plans = {
        "nine": lambda: evaluate(infrared, visible, fused, names=NINE),
        "paper": lambda: evaluate(infrared, visible, fused),
        "vifb, infrared of one channel": lambda: evaluate(infrared, visible, fused, family="vifb"),
        "vifb, all in colour": lambda: evaluate(in_colour, visible, fused, family="vifb"),
    }
    rows: list[MetricsTime] = []
    for name, call in plans.items():
        seconds = []
        for _ in range(repeats + 1):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
        first, least, median = seconds[0], min(seconds[1:]), float(np.median(seconds[1:]))
        rows.append({"measures": name, "first ms": 1e3 * first, "least ms": 1e3 * least, "median ms": 1e3 * median})
    return rows
