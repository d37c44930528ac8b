"""Time, memory and arithmetic of one compiled program."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

MIB = 2**20


class Program(NamedTuple):
    """A compiled program and what is known of it before it runs."""

    call: Callable[..., Any]
    trace_s: float  # seconds of tracing and lowering, which the host spends whatever the device
    compile_s: float  # seconds of XLA's compilation, its choice of kernels included
    tflop: float | None  # of one call, by XLA's count of the optimised program, or of the program as written (below)
    counted: str  # which: "optimised" or "written"
    program_mib: float  # arguments, outputs that are not arguments given back, and temporary memory


def compiled(lower: Callable[[], jax.stages.Lowered]) -> Program:
    """Lowers and compiles, each with its time.

    The compiler may hide convolutions and matrix products in library calls of which its count knows nothing; where the
    optimised program's count is less than half of the written one's, the written one's is taken.
    """
    start = time.perf_counter()
    lowered = lower()
    traced = time.perf_counter()
    program = lowered.compile()
    done = time.perf_counter()
    written, optimised = _flops(lowered), _flops(program)
    hidden = optimised is None or (written is not None and optimised < written / 2)
    flops = written if hidden else optimised
    return Program(
        program,
        trace_s=traced - start,
        compile_s=done - traced,
        tflop=None if flops is None else flops / 1e12,
        counted="written" if hidden else "optimised",
        program_mib=_bytes(program) / MIB,
    )


def median_ms(call: Callable[[], Any], repeats: int, seconds: float = 10.0) -> float:
    """The median in milliseconds of up to `repeats` calls, waited for, after one that does not count.

    After `seconds` no further call begins, but there is always one.
    """
    times: list[float] = []
    begin = time.perf_counter()
    for number in range(repeats + 1):
        start = time.perf_counter()
        jax.block_until_ready(call())
        now = time.perf_counter()
        if number:
            times.append(now - start)
            if now - begin > seconds:
                break
    return 1e3 * float(np.median(times))


def peak_mib(device: jax.Device) -> float | None:
    """The most memory in MiB that this process has held on the device so far; None where the backend does not say."""
    statistics = device.memory_stats() or {}
    peak = statistics.get("peak_bytes_in_use")
    return None if peak is None else peak / MIB


def _flops(stage: jax.stages.Lowered | jax.stages.Compiled) -> float | None:
    analysis = stage.cost_analysis() or {}
    flops = analysis.get("flops", 0.0)
    return float(flops) if flops > 0 else None


def _bytes(program: jax.stages.Compiled) -> int:
    memory = program.memory_analysis()
    if memory is None:
        return 0
    given_back = memory.alias_size_in_bytes
    return memory.argument_size_in_bytes + memory.output_size_in_bytes - given_back + memory.temp_size_in_bytes
