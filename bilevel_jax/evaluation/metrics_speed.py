"""What the measures of fusion quality take on one pair: `benchmark.py metrics`."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import flags

from bilevel_jax.command_line import height_and_width, parse_flags
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.metrics.fusion import NINE, evaluate
from bilevel_jax.report.tables import format_table

USAGE = """python experiments/benchmark.py metrics [--size=480,640] [--repeats=15]
Prints what the nine measures of a fusion paper and VIFB's thirteen take on a pair of that size."""


def metrics_command(argv: Sequence[str]) -> None:
    """Measures and prints the table."""

    def define(values: flags.FlagValues) -> None:
        flags.DEFINE_list("size", ["480", "640"], "height and width in pixels", flag_values=values)
        flags.DEFINE_integer("repeats", 15, "calls of which the least and the median are shown", 1, flag_values=values)

    values = parse_flags(define, argv, USAGE, compilation_cache="off")
    print(format_table(measure(*height_and_width("size", values.size), values.repeats), digits=0))


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
