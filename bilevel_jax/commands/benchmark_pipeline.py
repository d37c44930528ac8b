"""The command `benchmark.py pipeline`: measures how many pairs a second the data pipeline yields."""

from collections.abc import Sequence

from absl import flags

from bilevel_jax.benchmarks.pipeline_cost import measure
from bilevel_jax.command_line import height_and_width, parse_flags
from bilevel_jax.data.name_lists import read_list
from bilevel_jax.data.sources.folder import FolderSource
from bilevel_jax.report.text_table import format_table

USAGE = """python experiments/benchmark.py pipeline --data=DIR [--list=FILE] [--crop=256,256] [--batch_size=8]
Prints how many pairs a second come out of a folder of pairs, with decoded pairs in memory and without."""


def pipeline_command(argv: Sequence[str]) -> None:
    """Measures and prints the table."""
    values = parse_flags(_define, argv, USAGE, required=["data"])
    crop = height_and_width("crop", values.crop)
    names = read_list(values.data, values.list) if values.list else None
    rows = measure(FolderSource(values.data, names), crop, values.batch_size, values.seconds)
    print(format_table(list(rows), digits=0))


def _define(values: flags.FlagValues) -> None:
    flags.DEFINE_string("data", None, "folder of pairs, as train.py takes it", flag_values=values)
    flags.DEFINE_string("list", None, "file in --data with the names to take (default: all)", flag_values=values)
    flags.DEFINE_list("crop", ["256", "256"], "height and width in pixels", flag_values=values)
    flags.DEFINE_integer("batch_size", 8, "pairs of a batch", lower_bound=1, flag_values=values)
    flags.DEFINE_float("seconds", 3.0, "measured time of each row", lower_bound=0.1, flag_values=values)
