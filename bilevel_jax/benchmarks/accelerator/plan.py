"""The parts of the check, in the order in which they run."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

MODULES = "bilevel_jax.benchmarks.accelerator"
WITHOUT_TF32 = {"JAX_DEFAULT_MATMUL_PRECISION": "float32", "NVIDIA_TF32_OVERRIDE": "0"}
# In bfloat16 the networks compute, in `config.dtype`; what stays float32, such as the losses, is left to the backend.
PRECISIONS = {"float32": WITHOUT_TF32, "tf32": {"JAX_DEFAULT_MATMUL_PRECISION": "tensorfloat32"}, "bfloat16": {}}
# The changes that make paper.py small enough for a CPU, and those of part (a), which is small everywhere.
TINY = {
    "data.crop": [32, 32], "data.batch_size": 2, "data.max_boxes": 4, "fusion.name": "tiny", "semantic.depth": 18,
    "semantic.width": 8, "semantic.channels": 8, "semantic.head_convs": 1,
}  # fmt: skip
SMALL = TINY | {"data.crop": [64, 64], "semantic.width": 16, "semantic.channels": 32}
PAPER = {"data.batch_size": 8}


class Part(NamedTuple):
    """One process of the check."""

    name: str  # unique; the letter first
    module: str  # whose `rows(**options)` yields the part's rows
    options: dict[str, Any]  # JSON values
    environment: dict[str, str | None] = {}  # beside the command's own; None: not set
    least: float = 20.0  # seconds below which it is not begun


def parts(experiments: str | Path, *, small: bool = False, changes: Mapping[str, Any] | None = None) -> list[Part]:
    """All parts.

    Args:
        experiments: the folder of the scripts, which holds configs/paper.py.
        small: sizes for a CPU: it shows that everything runs, and measures nothing.
        changes: further keys of paper.py's configuration and their values, for tests.
    """
    changes, experiments = dict(changes or {}), str(experiments)
    base = (TINY if small else PAPER) | changes
    least = 5.0 if small else 20.0
    # On a CPU the detector takes half a minute to compile; there (b) has it, and (c) is without.
    single = {"semantic.task": "none"} if small else {}

    def steps(name: str, precision: str, **more: Any) -> Part:
        dtype = {"dtype": "bfloat16"} if precision == "bfloat16" else {}
        options = dict(experiments=experiments, changes=base | dtype | more, precision=precision)
        options["repeats"] = 2 if small else 20
        return _part(name, "training_steps", options, PRECISIONS[precision], least)

    agreement = dict(experiments=experiments, changes=(TINY if small else SMALL) | changes)
    agreement["network"] = [8, 16, 2, 32] if small else [256, 512, 3, 2048]
    batch, crop = (4, [32, 64]) if small else (32, [384, 512])
    fusing = dict(networks=["tiny"] if small else ["pyramid", "paper"], repeats=2 if small else 20)
    fusing["sizes"] = [[48, 64], [72, 128]] if small else [[480, 640], [1080, 1920]]
    aggregation = dict(network="tiny" if small else "30M", weightings=["upgrad", "random"], repeats=2 if small else 5)
    return [
        _part("device", "device", {}, {}, least),
        _part("a agreement", "agreement", agreement, WITHOUT_TF32 | both_platforms(os.environ), least),
        *(steps(f"b {precision}", precision) for precision in PRECISIONS),
        steps(f"c batch {batch}, tf32", "tf32", **single, **{"data.batch_size": batch}),
        steps(f"c {crop[0]}x{crop[1]}, tf32", "tf32", **single, **{"data.crop": crop}),
        steps("c remat, tf32", "tf32", **single, remat=True),
        steps("c accumulate 2, tf32", "tf32", **single, accumulate=2),
        _part("d fuser", "fusing", fusing, {}, least),
        *(_part(f"e K = {k}", "aggregation", aggregation | {"tasks": k}, WITHOUT_TF32, least) for k in (2, 8)),
        _resuming(experiments, small),
    ]  # fmt: skip


def both_platforms(environment: Mapping[str, str]) -> dict[str, str | None]:
    """What lets a process see the CPU beside the accelerator, where JAX_PLATFORMS asks for the accelerator alone."""
    asked = environment.get("JAX_PLATFORMS", "")
    return {"JAX_PLATFORMS": f"{asked},cpu"} if asked and "cpu" not in asked.split(",") else {}


def _part(name: str, module: str, options: dict[str, Any], environment: Mapping[str, Any], least: float) -> Part:
    # Memory is taken when it is needed, so that the most that was taken means something; and all of it may be.
    common = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.95"}
    return Part(name, f"{MODULES}.{module}", options, common | dict(environment), least)


def _resuming(experiments: str, small: bool) -> Part:
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true".strip()
    runs = {"JAX_PLATFORMS": os.environ.get("JAX_PLATFORMS"), "XLA_FLAGS": flags}
    options = dict(experiments=experiments, config="scenes.py", seconds=60.0, save_every=20, environment=runs)
    if small:
        options |= dict(config="smoke.py", seconds=40.0, save_every=4)
    # It leaves the device to the runs that it starts.
    return _part("f resume", "resuming", options, {"JAX_PLATFORMS": "cpu"}, 30.0 if small else 150.0)
