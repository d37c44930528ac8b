"""What the measures of fusion quality take on one pair: `benchmark.py metrics`."""

import time
from typing import Any

import numpy as np

from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.metrics.fusion import NINE, evaluate


def measure(height: int, width: int, repeats: int) -> list[dict[str, Any]]:
    """Milliseconds of `evaluate` on a built-in scene by family: first call, least and median of `repeats` more."""
    scene = SceneSource(1, 0, height, width)[0]
    infrared, visible = scene["ir"][..., 0], scene["vis"]
    fused = (infrared[..., None] // 2 + visible // 2).astype(np.uint8)
    in_colour = np.repeat(infrared[..., None], 3, axis=-1)
    plans = {
        "nine": (infrared, dict(names=NINE)),
        "paper": (infrared, {}),
        "vifb, infrared of one channel": (infrared, dict(family="vifb")),
        "vifb, all in colour": (in_colour, dict(family="vifb")),
    }
    rows = []
    for name, (source, options) in plans.items():
        seconds = []
        for _ in range(repeats + 1):
            start = time.perf_counter()
            evaluate(source, visible, fused, **options)
            seconds.append(time.perf_counter() - start)
        first, least, median = seconds[0], min(seconds[1:]), np.median(seconds[1:])
        rows.append({"measures": name, "first ms": 1e3 * first, "least ms": 1e3 * least, "median ms": 1e3 * median})
    return rows
