"""The command `benchmark.py serving`: measures what fusing one picture costs with XLA, onnxruntime and OpenVINO."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from absl import flags

from bilevel_jax.benchmarks.serving_cost import measure
from bilevel_jax.command_line import height_and_width, parse_flags
from bilevel_jax.errors import InputError, RunError
from bilevel_jax.inference.fuser import Fuser
from bilevel_jax.inference.pretrained import DEFAULT
from bilevel_jax.report.text_table import format_table
from bilevel_jax.serving.onnx_export import load_export
from bilevel_jax.serving.runtimes import RUNTIMES

USAGE = """python experiments/benchmark.py serving [--weights=NAME] [--size=480,640] [--threads=2] [--repeats=20]
Prints the time and the peak memory of fusing one pair of that size, with each runtime in a process of its own."""


def serving_command(argv: Sequence[str]) -> None:
    """Measures and prints the table.

    Raises:
        InputError: bad usage, or a package is missing.
    """
    values = parse_flags(_define, argv, USAGE, compilation_cache="off")
    unknown = [name for name in values.runtimes if name not in RUNTIMES]
    if unknown:
        raise InputError(f"--runtimes names {unknown[0]!r}; expected some of {', '.join(RUNTIMES)}.")
    export_onnx = load_export()
    size, rows = height_and_width("size", values.size), []
    reference = None
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "fuser.onnx"
        export_onnx(Fuser.pretrained(values.weights), model)
        for name in values.runtimes:
            load = f"{RUNTIMES[name].__module__}:{name}"
            try:
                cost = measure(load, values.weights, str(model), values.threads, size, values.repeats)
            except RunError as error:
                print(f"{name} is left out: {error}", flush=True)
                continue
            reference = cost.fused if reference is None else reference
            apart = int(np.abs(cost.fused.astype(int) - reference).max())
            figures = (cost.start_s, cost.least_ms, cost.median_ms, cost.peak_mib)
            names = ("first picture, s", "ms, least", "ms, median", "peak MiB")
            rows.append({"runtime": name, **dict(zip(names, figures, strict=True)), "levels from the first": apart})
    if rows:
        print(format_table(rows, digits=1))


def _define(values: flags.FlagValues) -> None:
    flags.DEFINE_string("weights", DEFAULT, "name of weights of the package", flag_values=values)
    flags.DEFINE_list("size", ["480", "640"], "height and width in pixels", flag_values=values)
    flags.DEFINE_list("runtimes", list(RUNTIMES), "which runtimes", flag_values=values)
    text = "threads of onnxruntime and OpenVINO; XLA takes the cores that the process may use"
    flags.DEFINE_integer("threads", 2, text, lower_bound=1, flag_values=values)
    flags.DEFINE_integer("repeats", 20, "pictures after the first one", lower_bound=1, flag_values=values)
