"""What TorchJD's aggregators cost on the same stacked gradients, where torch and torchjd are installed."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

# Ours to TorchJD's class and its arguments; what it does not have is not here.
NAMES = {
    "aligned_mtl": ("AlignedMTL", ()),
    "cagrad": ("CAGrad", (0.5,)),
    "config": ("ConFIG", ()),
    "dualproj": ("DualProj", ()),
    "equal": ("Mean", ()),
    "excess_mtl": ("ExcessMTL", ()),
    "fairgrad": ("FairGrad", (2.0,)),
    "graddrop": ("GradDrop", ()),
    "gradvac": ("GradVac", ()),
    "imtl_g": ("IMTLG", ()),
    "krum": ("Krum", (1,)),
    "mgda": ("MGDA", ()),
    "nash_mtl": ("NashMTL", None),  # takes K
    "pcgrad": ("PCGrad", ()),
    "random": ("Random", ()),
    "trimmed_mean": ("TrimmedMean", (1,)),
    "upgrad": ("UPGrad", ()),
}


def torchjd_seconds(names: Sequence[str], task_grads: Any, repeats: int) -> dict[str, float]:
    """By name the least seconds of TorchJD's aggregator on the K x n matrix of the same gradients.

    {} where torchjd is not installed. Joining the leaves to a matrix is not counted. A name is left out where TorchJD
    has no such aggregator, or it raises for this K or for want of its solver.
    """
    try:
        import torch
        import torchjd.aggregation as aggregation
    except ImportError:
        return {}
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(task_grads)]
    matrix = torch.from_numpy(np.concatenate([leaf.reshape(leaf.shape[0], -1) for leaf in leaves], axis=1))
    found = {}
    for name in names:
        class_name, arguments = NAMES.get(name, (None, ()))
        if class_name is None or not hasattr(aggregation, class_name):
            continue
        try:
            made = getattr(aggregation, class_name)(*((matrix.shape[0],) if arguments is None else arguments))
            found[name] = _least_seconds(lambda made=made: made(matrix), repeats)
        except (ValueError, ImportError, RuntimeError):
            continue
    return found


def _least_seconds(call: Callable[[], Any], repeats: int) -> float:
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])
