"""Measures how many pairs a second the training pipeline yields without a consumer: `benchmark.py pipeline`."""

import os
import time
from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

import numpy as np

from bilevel_jax.data.pipeline import training_batches
from bilevel_jax.data.sources.cached import CachedSource
from bilevel_jax.data.sources.source import Source

FLIP: Mapping[str, Any] = {"brightness": 0.0}
# Name -> options of `training_batches`.
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "crop, flip": FLIP,
    "crop, flip, brightness": {},
    "scaled crop, flip": {**FLIP, "scale": (0.75, 1.5)},
    "all options": dict(
        scale=(0.75, 1.5), mosaic=0.5, misregistration=3, infrared_gain=0.2, infrared_noise=0.02, visible_gamma=0.2,
        visible_color=0.1, visible_glare=0.2,
    ),
}  # fmt: skip

PipelineRate = TypedDict(
    "PipelineRate", {"records": str, "recipe": str, "threads": int, "workers": int, "pairs/s": float}
)


def measure(source: Source, crop: tuple[int, int], batch_size: int, seconds: float) -> Iterator[PipelineRate]:
    """Yields the pairs a second of a source by recipe, with decoded records in memory and without.

    An image that is smaller than the crop is enlarged just enough; then the recipe says by how much.

    Args:
        source: decodes a record at every access.
        crop: (height, width) in pixels.
        batch_size: pairs of a batch.
        seconds: measured time of each row, after the first batches. The records in memory are decoded before.
    """
    sizes = np.array([source[index]["ir"].shape[:2] for index in range(len(source))])
    enlarged = float((np.array(crop) / sizes).max())
    cached = CachedSource(source, 1 << 20)
    for index in range(len(cached)):
        cached[index]
    cores = max(1, min(2, os.cpu_count() or 1))
    plans: list[tuple[Source, str, int, int]]
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


def _rate(batches: Iterator[object], seconds: float) -> float:
    for _ in range(10):  # threads and workers have started, and the batches that were made meanwhile are used up
        next(batches)
    start, count = time.perf_counter(), 0
    while (passed := time.perf_counter() - start) < seconds:
        next(batches)
        count += 1
    return count / passed
