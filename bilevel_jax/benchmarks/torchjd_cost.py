"""What TorchJD's aggregators cost on the same stacked gradients, where torch and torchjd are installed."""

import functools
import time
from collections.abc import Callable, Sequence

import jax
import numpy as np

from bilevel_jax.bilevel.trees import PyTree

# Our name -> TorchJD's class and its arguments (None: it takes K). Weightings that TorchJD does not have are left out.
NAMES: dict[str, tuple[str, tuple[float, ...] | None]] = {
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
    "nash_mtl": ("NashMTL", None),
    "pcgrad": ("PCGrad", ()),
    "random": ("Random", ()),
    "trimmed_mean": ("TrimmedMean", (1,)),
    "upgrad": ("UPGrad", ()),
}


def torchjd_seconds(names: Sequence[str], task_grads: PyTree, repeats: int) -> dict[str, float]:
    """Measures TorchJD's aggregators on the K x n matrix of the same gradients.

    Returns:
      The least seconds of several calls by name, {} where torchjd is not installed. Joining the leaves to a matrix is
      not counted. A name is left out where TorchJD has no such aggregator, or it raises for this K or for want of its
      solver.
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
        if name not in NAMES or not hasattr(aggregation, NAMES[name][0]):
            continue
        class_name, arguments = NAMES[name]
        try:
            made = getattr(aggregation, class_name)(*((matrix.shape[0],) if arguments is None else arguments))
            found[name] = _least_seconds(functools.partial(made, matrix), repeats)
        except (ValueError, ImportError, RuntimeError):
            continue
    return found


def _least_seconds(call: Callable[[], object], repeats: int) -> float:
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])
