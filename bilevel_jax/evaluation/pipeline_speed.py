"""How many pairs a second the training pipeline gives, with nothing that takes them: `benchmark.py pipeline`."""

import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from absl import flags

from bilevel_jax.command_line import height_and_width, parse_flags
from bilevel_jax.data.cached import CachedSource
from bilevel_jax.data.folders import FolderSource
from bilevel_jax.data.listing import read_list
from bilevel_jax.data.pipeline import training_batches
from bilevel_jax.report.tables import format_table

USAGE = """python experiments/benchmark.py pipeline --data=DIR [--list=FILE] [--crop=256,256] [--batch_size=8]
Prints how many pairs a second come out of a folder of pairs: decoded before, and decoded anew each time."""

FLIP = dict(brightness=0.0)
RECIPES = {
    "crop, flip": FLIP,
    "crop, flip, brightness": {},
    "scaled crop, flip": {**FLIP, "scale": (0.75, 1.5)},
    "all options": dict(
        scale=(0.75, 1.5), mosaic=0.5, misregistration=3, infrared_gain=0.2, infrared_noise=0.02, visible_gamma=0.2,
        visible_color=0.1, visible_glare=0.2,
    ),
}  # fmt: skip


def pipeline_command(argv: Sequence[str]) -> None:
    """Measures and prints the table."""

    def define(values: flags.FlagValues) -> None:
        flags.DEFINE_string("data", None, "folder of pairs, as train.py takes it", flag_values=values)
        flags.DEFINE_string("list", None, "file in --data with the names to take (default: all)", flag_values=values)
        flags.DEFINE_list("crop", ["256", "256"], "height and width in pixels", flag_values=values)
        flags.DEFINE_integer("batch_size", 8, "pairs of a batch", 1, flag_values=values)
        flags.DEFINE_float("seconds", 3.0, "for which each row is measured", 0.1, flag_values=values)

    values = parse_flags(define, argv, USAGE, required=["data"])
    crop = height_and_width("crop", values.crop)
    names = read_list(values.data, values.list) if values.list else None
    rows = measure(FolderSource(values.data, names), crop, values.batch_size, values.seconds)
    print(format_table(list(rows), digits=0))


def measure(source: Any, crop: tuple[int, int], batch_size: int, seconds: float) -> Iterator[dict[str, Any]]:
    """Pairs a second of a source, kept decoded and not, by recipe and by what reads; each row is made when asked for.

    Where an image is smaller than the crop it is enlarged just enough, and the recipe says by how much.

    Args:
        source: decodes at every access.
        crop: (height, width).
        batch_size: B.
        seconds: for which each row is measured, after the first batches; the cache is filled before.
    """
    sizes = np.array([source[index]["ir"].shape[:2] for index in range(len(source))])
    enlarged = float((np.array(crop) / sizes).max())
    cached = CachedSource(source, 1 << 20)
    for index in range(len(cached)):
        cached[index]
    cores = max(1, min(2, os.cpu_count() or 1))
    plans = [(cached, recipe, threads, 0) for recipe in RECIPES for threads in sorted({1, cores})]
    plans += [(source, "crop, flip", threads, workers) for threads, workers in ((1, 0), (cores, 0), (0, cores))]
    plans += [(source, "all options", cores, 0)]
    for records, recipe, threads, workers in plans:
        options = dict(RECIPES[recipe])
        if enlarged > 1:
            lowest, highest = options.get("scale", (1.0, 1.0))
            options["scale"] = (max(lowest, enlarged), max(highest, enlarged))
        options |= dict(batch_size=batch_size, crop=crop, seed=0, num_threads=threads, workers=workers)
        batches = training_batches(records, range(len(records)), **options)
        rate = _rate(batches, seconds) * batch_size
        batches.close()
        yield {
            "records": "in memory" if records is cached else "decoded anew",
            "recipe": recipe if enlarged <= 1 else f"{recipe}; enlarged {enlarged:.2f} times at least",
            "threads": threads,
            "workers": workers,
            "pairs/s": rate,
        }


def _rate(batches: Any, seconds: float) -> float:
    for _ in range(10):  # threads and workers have started, and what they made meanwhile is used up
        next(batches)
    start, count = time.perf_counter(), 0
    while (passed := time.perf_counter() - start) < seconds:
        next(batches)
        count += 1
    return count / passed
