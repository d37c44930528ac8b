"""Measures time, memory and operations of one compiled program."""

import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bilevel_jax.bilevel.trees import PyTree

MIB = 2**20


class Program(NamedTuple):
    """A compiled program and what is known of it before it runs.

    Attributes:
        call: runs the program.
        trace_s: seconds of tracing and lowering; the host spends them on any device.
        compile_s: seconds of XLA's compilation, including its choice of kernels.
        tflop: operations of one call by XLA's count; None = XLA does not count them.
        counted: the program that was counted: "optimised", or "written" (see `compiled`).
        program_mib: arguments, outputs and temporary memory; an output that reuses an argument's memory counts once.
    """

    call: Callable[..., PyTree]
    trace_s: float
    compile_s: float
    tflop: float | None
    counted: str
    program_mib: float


def compiled(lower: Callable[..., jax.stages.Lowered], *arguments: PyTree) -> Program:
    """Lowers a program for its arguments and compiles it, and measures both.

    The compiler may replace convolutions and matrix products by library calls, which its count leaves out. If the count
    of the optimised program is less than half the count of the program as written, the latter is taken.
    """
    start = time.perf_counter()
    lowered = lower(*arguments)
    traced = time.perf_counter()
    program = lowered.compile()
    done = time.perf_counter()
    written, optimised = _flops(lowered) or _flops_on_cpu(lower, arguments), _flops(program)
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


def median_ms(call: Callable[[], PyTree], repeats: int, seconds: float = 10.0) -> float:
    """The median time in milliseconds of up to `repeats` calls. The first call is not counted.

    After `seconds` no further call begins, but at least one call is measured.
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
    """The most memory in MiB that this process has held on the device so far; None if the backend does not tell."""
    statistics = device.memory_stats() or {}
    peak = statistics.get("peak_bytes_in_use")
    return None if peak is None else peak / MIB


def _flops(stage: jax.stages.Lowered | jax.stages.Compiled) -> float | None:
    analysis = stage.cost_analysis() or {}
    flops = analysis.get("flops", 0.0)
    return float(flops) if flops > 0 else None


def _flops_on_cpu(lower: Callable[..., jax.stages.Lowered], arguments: tuple[PyTree, ...]) -> float | None:
    """The operations of the program as written, lowered for the CPU, since JAX counts none on a GPU.

    None if the process has no CPU device.
    """
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(jnp.shape(leaf), jnp.result_type(leaf)), arguments)
    try:
        with jax.default_device(jax.devices("cpu")[0]):
            return _flops(lower(*shapes))
    except RuntimeError:  # JAX_PLATFORMS names the accelerator alone
        return None


def _bytes(program: jax.stages.Compiled) -> int:
    memory = program.memory_analysis()
    if memory is None:
        return 0
    given_back = memory.alias_size_in_bytes
    return memory.argument_size_in_bytes + memory.output_size_in_bytes - given_back + memory.temp_size_in_bytes
