"""Comparing what two runs left behind: metrics and parameters, bit for bit."""

import json
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

from bilevel_jax.checkpoints.load import load_run


def timeless_metrics(workdir: Path) -> list[dict[str, float | str]]:
    """Returns the lines of a run's metrics.jsonl without the values `time/*`, which differ between any two runs."""
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if not name.startswith("time/")} for line in lines]


def differences(straight: Path, other: Path, checkpoints: Sequence[str] = ("newest",)) -> list[str]:
    """Returns the differences between a run that was never stopped and one that should equal it; [] where none are.

    Args:
        straight: the folder of the run that was never stopped.
        other: the folder of the other run.
        checkpoints: "newest", "best" or steps, as `load_run` takes them.

    Returns:
        One text for each line of metrics.jsonl and each array of a checkpoint that differs in any bit, and one where
        the steps in `other`'s metrics.jsonl are not 1, 2, ... up to the straight run's last step, each once.

    Raises:
        InputError: one of the folders holds no such checkpoint.
    """
    expected, found = timeless_metrics(straight), timeless_metrics(other)
    texts: list[str] = []
    if [line["step"] for line in found] != list(range(1, len(expected) + 1)):
        texts.append("metrics.jsonl has a gap or a double")
    texts += [f"metrics of step {a['step']}" for a, b in zip(expected, found, strict=False) if a != b]
    for which in checkpoints:
        leaves = [jax.tree_util.tree_leaves_with_path(load_run(workdir, which)[1]) for workdir in (straight, other)]
        for (path, a), (_, b) in zip(*leaves, strict=True):
            if not np.array_equal(a, b):
                texts.append(f"{which} {jax.tree_util.keystr(path)}")
    return texts
