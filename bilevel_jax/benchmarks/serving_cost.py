"""The time and the memory that it takes to fuse one picture, each measured in a process of its own.

That process is `python -m bilevel_jax.benchmarks.serving_cost`, with `measure`'s arguments and a file for the result.
"""

import importlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bilevel_jax.errors import RunError


class Cost(NamedTuple):
    """What fusing one picture costs.

    Attributes:
        start_s: seconds from the start of the loading until the first picture is fused.
        least_ms, median_ms: milliseconds of a later picture.
        peak_mib: most memory of the process so far, with Python and the packages, in MiB.
        fused: the fused picture.
    """

    start_s: float
    least_ms: float
    median_ms: float
    peak_mib: float
    fused: np.ndarray


def measure(load: str, weights: str, model: str, threads: int, size: tuple[int, int], repeats: int) -> Cost:
    """Measures a runtime in a new process.

    Args:
        load: "module:function"; the function takes (weights, model, threads) and returns (infrared, visible) -> fused.
        weights: name of weights of the package.
        model: path of the ONNX model.
        threads: of the processor.
        size: height and width in pixels.
        repeats: pictures after the first one.

    Raises:
        RunError: the process failed; the message holds its last line.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "cost.npz"
        words = [load, weights, model, str(threads), *map(str, size), str(repeats), str(out)]
        line = [sys.executable, "-m", "bilevel_jax.benchmarks.serving_cost", *words]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["nothing was printed"]
            raise RunError(f"{load} failed: {last[0]}")
        with np.load(out) as found:
            start, least, median, peak = json.loads(str(found["figures"]))
            return Cost(start, least, median, peak, found["fused"])


def example_pair(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns an infrared image [H, W] and a visible image [H, W, 3], uint8, with coarse and fine structure."""
    random = np.random.default_rng(0)
    coarse = np.kron(random.random((height // 16 + 1, width // 16 + 1, 4)), np.ones((16, 16, 1)))[:height, :width]
    images = (255 * (0.8 * coarse + 0.2 * random.random((height, width, 4)))).astype(np.uint8)
    return images[..., 0] // 2, images[..., 1:]


def _in_this_process(load: str, weights: str, model: str, threads: int, size: tuple[int, int], repeats: int) -> Cost:
    pair = example_pair(*size)
    module, _, name = load.partition(":")
    started = time.perf_counter()
    fuse: Callable[..., np.ndarray] = getattr(importlib.import_module(module), name)(weights, model, threads)
    fused = fuse(*pair)
    first = time.perf_counter() - started
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        fuse(*pair)
        times.append(1000 * (time.perf_counter() - started))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(first, min(times), float(np.median(times)), peak, fused)


def _main(words: list[str]) -> None:
    load, weights, model, threads, height, width, repeats, out = words
    cost = _in_this_process(load, weights, model, int(threads), (int(height), int(width)), int(repeats))
    np.savez(out, figures=json.dumps(cost[:-1]), fused=cost.fused)


if __name__ == "__main__":
    _main(sys.argv[1:])
