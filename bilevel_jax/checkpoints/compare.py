"""Whether two runs left the same: metrics and parameters, bit for bit."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from bilevel_jax.checkpoints.load import load_run


def timeless_metrics(workdir: Path) -> list[dict[str, Any]]:
    """The lines of a run's metrics.jsonl without `time/*`, which no two runs share."""
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if not name.startswith("time/")} for line in lines]


def differences(straight: Path, other: Path, checkpoints: Sequence[str] = ("newest",)) -> list[str]:
    """What differs between a run and one that should equal it; [] where nothing does.

    Args:
        straight: the folder of a run that was never stopped.
        other: the folder of the run that is held against it.
        checkpoints: "newest", "best" or steps, as `load_run` takes them.

    Returns:
        A text for each line of metrics.jsonl and each array of a checkpoint that is not equal to the last bit, and one
        where the steps in `other`'s metrics.jsonl are not those from 1 to the straight run's last, each once.

    Raises:
        InputError: one of the folders holds no such checkpoint.
    """
    expected, found, texts = timeless_metrics(straight), timeless_metrics(other), []
    if [line["step"] for line in found] != list(range(1, len(expected) + 1)):
        texts.append("metrics.jsonl has a gap or a double")
    texts += [f"metrics of step {a['step']}" for a, b in zip(expected, found, strict=False) if a != b]
    for which in checkpoints:
        leaves = [jax.tree_util.tree_leaves_with_path(load_run(workdir, which)[1]) for workdir in (straight, other)]
        for (path, a), (_, b) in zip(*leaves, strict=True):
            if not np.array_equal(a, b):
                texts.append(f"{which} {jax.tree_util.keystr(path)}")
    return texts
