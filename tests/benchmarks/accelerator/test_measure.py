"""Time, memory and operations of programs whose figures are known."""

import time

import jax
import jax.numpy as jnp
import pytest

from bilevel_jax.benchmarks.accelerator.measure import MIB, compiled, median_ms, peak_mib
from bilevel_jax.benchmarks.accelerator.peak_tflops import peak_tflops
from bilevel_jax.benchmarks.accelerator.training_steps import share_of_peak


def test_operations_and_memory_are_those_of_the_program():
    values = jnp.ones((64, 128)), jnp.ones((128, 32))
    program = compiled(jax.jit(lambda a, b: a @ b).lower, *values)
    assert program.tflop == 2 * 64 * 128 * 32 / 1e12 and program.counted == "optimised"
    assert program.program_mib * MIB >= 4 * (64 * 128 + 128 * 32 + 64 * 32)
    assert program.compile_s > 0 and program.trace_s > 0
    assert float(program.call(*values)[0, 0]) == 128


def test_what_a_library_call_hides_is_counted_in_the_program_as_written():
    class Stage:
        def __init__(self, flops):
            self.cost_analysis = lambda: {"flops": flops}
            self.memory_analysis = lambda: None
            self.compile = lambda: Stage(flops / 4)

    program = compiled(lambda: Stage(8e12))
    assert program.tflop == 8.0 and program.counted == "written"
    assert compiled(lambda: Stage(0.0)).tflop is None


def test_a_backend_that_counts_nothing_before_it_compiles():
    """As behind PJRT's C interface, where `Lowered.cost_analysis` is None: the program is counted on the CPU."""
    values = jnp.ones((64, 128)), jnp.ones((128, 32))
    real = jax.jit(lambda a, b: a @ b).lower

    class Stage:
        def __init__(self, flops):
            self.cost_analysis = lambda: {"flops": flops}
            self.memory_analysis = lambda: None
            self.compile = lambda: Stage(1.0)

    program = compiled(lambda *args: Stage(0.0) if args[0] is values[0] else real(*args), *values)
    assert program.tflop == 2 * 64 * 128 * 32 / 1e12 and program.counted == "written"


def test_the_median_leaves_the_first_call_out_and_stops_in_time():
    durations = iter([0.5, 0.01, 0.01, 0.05])
    calls = []

    def call():
        calls.append(time.sleep(next(durations)))

    assert 10 <= median_ms(call, 3) < 250 and len(calls) == 4
    calls.clear()
    durations = iter([0.01] * 100)
    median_ms(call, 99, seconds=0.05)
    assert 2 <= len(calls) <= 6


def test_a_backend_without_memory_statistics():
    assert peak_mib(jax.devices("cpu")[0]) is None


@pytest.mark.parametrize(
    ("kind", "precision", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", "float32", 66.9), ("NVIDIA H100 80GB HBM3", "bfloat16", 989.4),
        ("NVIDIA H100 PCIe", "tf32", 378.0), ("NVIDIA H200", "tf32", 494.7), ("NVIDIA A100-SXM4-40GB", "tf32", 156.0),
        ("Tesla T4", "bfloat16", None), ("NVIDIA L4", "tf32", 60.0), ("NVIDIA L40S", "tf32", None),
        ("NVIDIA GeForce RTX 3090", "float32", 35.6), ("NVIDIA GeForce RTX 3090 Ti", "float32", None),
        ("cpu", "float32", None),
    ],
)  # fmt: skip
def test_peaks_by_the_name_of_the_card(kind, precision, peak):
    assert peak_tflops(kind, precision) == peak


def test_share_of_the_peak():
    assert share_of_peak(0.5, 10.0, 100.0) == pytest.approx(50.0)  # 0.5 TFLOP in 10 ms are 50 TFLOP/s
    assert share_of_peak(0.5, 10.0, None) is None and share_of_peak(None, 10.0, 100.0) is None
