"""The command `benchmark.py align`: measures alignments on pairs that are warped at random."""

from collections.abc import Sequence

from absl import flags

from bilevel_jax.benchmarks.alignment.measure import METHODS, MUTUAL_INFORMATION, measure
from bilevel_jax.benchmarks.alignment.tables import error_rows, shift_rows, trust_rows
from bilevel_jax.command_line import parse_flags
from bilevel_jax.errors import InputError
from bilevel_jax.registration import DEFAULT_KIND
from bilevel_jax.report.text_table import format_table

USAGE = """python experiments/benchmark.py align --data=DIR --sets=NAME,... --out=FILE.jsonl [--pairs=12] [--warps=1]
    [--methods=NAME,...]
Warps infrared images of aligned pairs by known random transforms, aligns them, and prints how far the estimates are
from the known ones. The same command continues a measurement that was stopped."""


def align_command(argv: Sequence[str]) -> None:
    """Measures and prints the tables."""
    values = parse_flags(_define, argv, USAGE, required=["data", "sets", "out"])
    for method in values.methods:
        if method not in METHODS:
            raise InputError(f"--methods={method} is not known; expected some of {', '.join(METHODS)}.")
    rows = measure(values.data, values.sets, values.methods, values.pairs, values.out, values.warps)
    for table in (error_rows(rows), trust_rows(rows), shift_rows(rows)):
        print(format_table(table, digits=2, markdown=True) + "\n")


def _define(values: flags.FlagValues) -> None:
    flags.DEFINE_string("data", None, "folder with one folder a set, each with ir and vi", flag_values=values)
    flags.DEFINE_list("sets", None, "names of the sets", flag_values=values)
    flags.DEFINE_string(
        "out", None, "file of the measured alignments, one a line, which is continued", flag_values=values
    )
    flags.DEFINE_integer("pairs", 12, "pairs of a set", lower_bound=1, flag_values=values)
    flags.DEFINE_integer("warps", 1, "random warps of each pair", lower_bound=1, flag_values=values)
    flags.DEFINE_list(
        "methods",
        [DEFAULT_KIND],
        f"some of {', '.join(METHODS)}; a kind of transform is measured on warps of its kind, and {MUTUAL_INFORMATION} "
        f"(SimpleITK) on similarities",
        flag_values=values,
    )
