"""benchmark.py metrics: prints the table of `benchmarks/metrics.py`."""

from collections.abc import Sequence

from absl import flags

from bilevel_jax.benchmarks.metrics_cost import measure
from bilevel_jax.command_line import height_and_width, parse_flags
from bilevel_jax.report.text_table import format_table

USAGE = """python experiments/benchmark.py metrics [--size=480,640] [--repeats=15]
Prints what the nine measures of a fusion paper and VIFB's thirteen take on a pair of that size."""


def metrics_command(argv: Sequence[str]) -> None:
    """Measures and prints the table."""

    def define(values: flags.FlagValues) -> None:
        flags.DEFINE_list("size", ["480", "640"], "height and width in pixels", flag_values=values)
        flags.DEFINE_integer("repeats", 15, "calls of which the least and the median are shown", 1, flag_values=values)

    values = parse_flags(define, argv, USAGE, compilation_cache="off")
    print(format_table(measure(*height_and_width("size", values.size), values.repeats), digits=0))
