"""Parts (b) and (c): the cost of the inner and the outer step of `paper.py` at one precision."""

from collections.abc import Iterator, Mapping
from typing import cast

import jax

from bilevel_jax.benchmarks.accelerator.measure import compiled, median_ms, peak_mib
from bilevel_jax.benchmarks.accelerator.peak_tflops import peak_tflops
from bilevel_jax.benchmarks.accelerator.results import Row
from bilevel_jax.benchmarks.accelerator.workload import paper_config, synthetic_batch, synthetic_training
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.training.state import TrainState


def rows(*, experiments: str, changes: Mapping[str, object], precision: str, repeats: int) -> Iterator[Row]:
    """Yields a row for the inner step, then one for the outer step.

    The outer step needs more memory than the inner one, so in this order the peak memory is each step's own. The
    batches lie on the device before the clock starts; part (f) tells whether a run waits for them.

    Args:
        experiments: the folder that holds configs/paper.py.
        changes: keys of the configuration and their values, as `paper_config` takes them.
        precision: "float32", "tf32" or "bfloat16". It chooses the peak that the speed is compared with; the process's
            environment and `changes` set the precision itself.
        repeats: the most calls of which the median is taken.
    """
    config = paper_config(experiments, changes)
    training = synthetic_training(config)
    steps = training.steps
    outer, inner = (jax.device_put(synthetic_batch(config, seed)) for seed in (0, 1))
    state = training.state
    for what, step, batches in (("inner step", steps.inner, (inner,)), ("outer step", steps.outer, (outer, inner))):
        row, state = _cost(what, cast(jax.stages.Wrapped, step), state, batches, precision, repeats)
        yield row


def _cost(
    what: str, step: jax.stages.Wrapped, state: TrainState, batches: tuple, precision: str, repeats: int
) -> tuple[Row, TrainState]:
    """The row of a step, and the state after its calls. A step deletes (donates) the state that it is given."""
    program = compiled(step.lower, state, *batches)
    holder = [state]

    def call() -> PyTree:
        holder[0], metrics = program.call(holder[0], *batches)
        return metrics

    ms = median_ms(call, repeats)
    device = jax.devices()[0]
    peak, on_chip = peak_tflops(device.device_kind, precision), peak_mib(device)
    row: Row = {
        "what": what,
        "ms": ms,
        "compile_s": program.compile_s,
        "peak_mib": program.program_mib if on_chip is None else on_chip,
        "tflop": program.tflop,
        "share": share_of_peak(program.tflop, ms, peak),
        "details": {
            "trace_s": program.trace_s,
            "program_mib": program.program_mib,
            "operations_counted": program.counted,
            "peak_tflops": peak,
        },
    }
    notes = ["memory by the compiler"] if on_chip is None else []
    notes += ["TFLOP of the program as written"] if program.counted == "written" else []
    if notes:
        row["result"] = "; ".join(notes)
    return row, holder[0]


def share_of_peak(tflop: float | None, ms: float, peak: float | None) -> float | None:
    """The speed of `tflop` operations in `ms` in per cent of `peak` TFLOP/s; None if one of them is unknown."""
    return None if tflop is None or peak is None else 100 * tflop / (ms / 1e3) / peak
