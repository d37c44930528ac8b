"""The command `benchmark.py metrics`: measures the time of the fusion metrics."""

from collections.abc import Sequence

from absl import flags

from bilevel_jax.benchmarks.metrics_cost import measure
from bilevel_jax.command_line import height_and_width, parse_flags
from bilevel_jax.report.text_table import format_table

USAGE = """python experiments/benchmark.py metrics [--size=480,640] [--repeats=15]
Prints the time of the nine metrics of a fusion paper, and of VIFB's thirteen, on a pair of that size."""


def metrics_command(argv: Sequence[str]) -> None:
    """Measures and prints the table."""
    values = parse_flags(_define, argv, USAGE, compilation_cache="off")
    print(format_table(measure(*height_and_width("size", values.size), values.repeats), digits=0))


def _define(values: flags.FlagValues) -> None:
    flags.DEFINE_list("size", ["480", "640"], "height and width in pixels", flag_values=values)
    text = "calls after the first one; their least and median times are printed"
    flags.DEFINE_integer("repeats", 15, text, lower_bound=1, flag_values=values)
