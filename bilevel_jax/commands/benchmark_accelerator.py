"""The command `benchmark.py accelerator`: runs the check of an accelerator, each part in a process of its own."""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from bilevel_jax.atomic import write_text
from bilevel_jax.benchmarks.accelerator.plan import parts
from bilevel_jax.benchmarks.accelerator.results import PartResult
from bilevel_jax.benchmarks.accelerator.results_table import failed, summary, table_text
from bilevel_jax.benchmarks.accelerator.schedule import run_parts
from bilevel_jax.command_line import parse_flags
from bilevel_jax.errors import RunError

USAGE = """python experiments/benchmark.py accelerator --out=DIR [--minutes=8] [--small]
Checks whether the accelerator computes what the CPU computes, and measures its speed and memory. The same command
continues: it keeps the parts that DIR/accelerator.json has from the same device and versions."""


def accelerator_command(argv: Sequence[str]) -> None:
    """Runs the check, writes DIR/accelerator.json and DIR/accelerator.md after every part, and prints the table.

    Args:
        argv: the command line. It begins with the path of experiments/benchmark.py, whose folder also holds train.py
            and configs/paper.py.

    Raises:
        InputError: bad usage, or DIR cannot be written.
        RunError: a comparison failed, or a part ended with an error. All other parts have run.
    """
    values = parse_flags(_define, argv, USAGE, required=["out"], compilation_cache="off")
    out = Path(values.out)

    def report(results: list[PartResult], newest: PartResult) -> None:
        write_text(out / "accelerator.md", table_text(results))
        print(f"{newest['part']}: {newest['status']}, {newest['seconds']:.0f} s", flush=True)

    experiments = Path(argv[0]).absolute().parent
    results = run_parts(parts(experiments, small=values.small), out, values.minutes, report)
    print(table_text(results))
    print(f"{summary(results)} {out / 'accelerator.md'}, {out / 'accelerator.json'}")
    if failed(results):
        raise RunError("a comparison failed or a part ended with an error; the table says which.")


def _define(values: flags.FlagValues) -> None:
    text = "folder that receives accelerator.json and accelerator.md"
    flags.DEFINE_string("out", None, text, flag_values=values)
    flags.DEFINE_float("minutes", 8.0, "for all parts together", lower_bound=0.0, flag_values=values)
    text = "small sizes for a CPU: shows that every part runs, measures nothing"
    flags.DEFINE_bool("small", False, text, flag_values=values)
