"""The plan of the check: its parts, in the order in which they run."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

MODULES = "bilevel_jax.benchmarks.accelerator"
WITHOUT_TF32: dict[str, str | None] = {"JAX_DEFAULT_MATMUL_PRECISION": "float32", "NVIDIA_TF32_OVERRIDE": "0"}
# For bfloat16 `config.dtype` sets the type in which the networks compute. The precision of what stays float32, such as
# the losses, is left to the backend.
PRECISIONS: dict[str, dict[str, str | None]] = {
    "float32": WITHOUT_TF32,
    "tf32": {"JAX_DEFAULT_MATMUL_PRECISION": "tensorfloat32"},
    "bfloat16": {},
}
# TINY makes paper.py small enough for a CPU. SMALL is for part (a), which is small on every device.
TINY: dict[str, object] = {
    "data.crop": [32, 32], "data.batch_size": 2, "data.max_boxes": 4, "fusion.name": "tiny", "semantic.depth": 18,
    "semantic.width": 8, "semantic.channels": 8, "semantic.head_convs": 1,
}  # fmt: skip
SMALL: dict[str, object] = TINY | {"data.crop": [64, 64], "semantic.width": 16, "semantic.channels": 32}
PAPER: dict[str, object] = {"data.batch_size": 8}


class Part(NamedTuple):
    """One process of the check.

    Attributes:
        name: unique; it begins with the letter of the part.
        module: the module whose `rows(**options)` yields the part's rows.
        options: JSON values.
        environment: variables that are set on top of the command's own environment; None = removed.
        least: seconds; the part is not begun if less time is left.
    """

    name: str
    module: str
    options: dict[str, object]
    environment: dict[str, str | None] = {}
    least: float = 20.0


def parts(experiments: str | Path, *, small: bool = False, changes: Mapping[str, object] | None = None) -> list[Part]:
    """All parts of the check.

    Args:
        experiments: the folder of the scripts, which holds configs/paper.py.
        small: sizes for a CPU. They show that every part runs; the figures mean nothing.
        changes: further keys of paper.py's configuration and their values, for tests.
    """
    changes, experiments = dict(changes or {}), str(experiments)
    base = (TINY if small else PAPER) | changes
    least = 5.0 if small else 20.0
    # The detector takes long to compile on a CPU, so with `small` only (b) has it.
    single: dict[str, object] = {"semantic.task": "none"} if small else {}

    def steps(name: str, precision: str, more: Mapping[str, object] | None = None) -> Part:
        dtype = {"dtype": "bfloat16"} if precision == "bfloat16" else {}
        options: dict[str, object] = {"experiments": experiments, "changes": {**base, **dtype, **(more or {})}}
        options |= {"precision": precision, "repeats": 2 if small else 20}
        return _part(name, "training_steps", options, PRECISIONS[precision], least)

    agreement: dict[str, object] = {"experiments": experiments, "changes": (TINY if small else SMALL) | changes}
    agreement["network"] = [8, 16, 2, 32] if small else [256, 512, 3, 2048]
    batch, crop = (4, [32, 64]) if small else (32, [384, 512])
    fusing: dict[str, object] = {"networks": ["tiny"] if small else ["pyramid", "paper"], "repeats": 2 if small else 20}
    fusing["sizes"] = [[48, 64], [72, 128]] if small else [[480, 640], [1080, 1920]]
    aggregation: dict[str, object] = {"network": "tiny" if small else "30M", "weightings": ["upgrad", "random"]}
    aggregation["repeats"] = 2 if small else 5
    # Parts (b) and (c) come last: their programs take minutes to compile and would leave no time for the others.
    return [
        _part("device", "device", {}, {}, least),
        _part("a agreement", "agreement", agreement, WITHOUT_TF32 | both_platforms(os.environ), least),
        _part("d fuser", "fusing", fusing, {}, least),
        *(_part(f"e K = {k}", "aggregation", aggregation | {"tasks": k}, WITHOUT_TF32, least) for k in (2, 8)),
        _resuming(experiments, small),
        *(steps(f"b {precision}", precision) for precision in PRECISIONS),
        steps(f"c batch {batch}, tf32", "tf32", single | {"data.batch_size": batch}),
        steps(f"c {crop[0]}x{crop[1]}, tf32", "tf32", single | {"data.crop": crop}),
        steps("c remat, tf32", "tf32", single | {"remat": True}),
        steps("c accumulate 2, tf32", "tf32", single | {"accumulate": 2}),
    ]  # fmt: skip


def both_platforms(environment: Mapping[str, str]) -> dict[str, str | None]:
    """Variables that let a process see the CPU beside the accelerator, if JAX_PLATFORMS names the accelerator alone."""
    asked = environment.get("JAX_PLATFORMS", "")
    return {"JAX_PLATFORMS": f"{asked},cpu"} if asked and "cpu" not in asked.split(",") else {}


def _part(
    name: str, module: str, options: dict[str, object], environment: Mapping[str, str | None], least: float
) -> Part:
    # JAX takes memory only when it needs some, so that the peak is meaningful; it may take nearly all.
    common: dict[str, str | None] = {
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.95",
    }
    return Part(name, f"{MODULES}.{module}", options, common | dict(environment), least)


def _resuming(experiments: str, small: bool) -> Part:
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true".strip()
    runs = {"JAX_PLATFORMS": os.environ.get("JAX_PLATFORMS"), "XLA_FLAGS": flags}
    options: dict[str, object] = {"experiments": experiments, "config": "scenes.py", "seconds": 60.0, "save_every": 20}
    if small:
        options |= {"config": "smoke.py", "seconds": 40.0, "save_every": 4}
    options["environment"] = runs
    # The part itself stays on the CPU and leaves the device to the runs that it starts.
    return _part("f resume", "resuming", options, {"JAX_PLATFORMS": "cpu"}, 30.0 if small else 150.0)
