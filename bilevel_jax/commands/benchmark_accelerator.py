"""The command `benchmark.py accelerator`: flags -> parts, each in its process -> JSON, Markdown, table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

from bilevel_jax.atomic import write_text
from bilevel_jax.benchmarks.accelerator.plan import parts
from bilevel_jax.benchmarks.accelerator.results_table import failed, summary, table_text
from bilevel_jax.benchmarks.accelerator.schedule import run_parts
from bilevel_jax.command_line import parse_flags
from bilevel_jax.errors import RunError

USAGE = """python experiments/benchmark.py accelerator --out=DIR [--minutes=8] [--small]
Says whether the accelerator computes what the CPU does, how fast, and in what memory. The same command continues:
parts that DIR/accelerator.json has from the same device and versions are kept."""


def accelerator_command(argv: Sequence[str], experiments: Path) -> None:
    """Runs the check; writes DIR/accelerator.json and DIR/accelerator.md after every part, and prints the table.

    Args:
        argv: the command line, with the program's name first.
        experiments: the folder of the scripts, which holds configs/paper.py and train.py.

    Raises:
        InputError: bad usage, or DIR cannot be written.
        RunError: a comparison failed, or a part ended by a fault of its own; all others have run.
    """

    def define(values: flags.FlagValues) -> None:
        flags.DEFINE_string("out", None, "folder that receives accelerator.json and accelerator.md", flag_values=values)
        flags.DEFINE_float("minutes", 8.0, "for everything", 0.0, flag_values=values)
        flags.DEFINE_bool("small", False, "sizes for a CPU: shows that it runs, measures nothing", flag_values=values)

    values = parse_flags(define, argv, USAGE, required=["out"], compilation_cache="off")
    out = Path(values.out)

    def report(results: list[dict[str, Any]], newest: dict[str, Any]) -> None:
        write_text(out / "accelerator.md", table_text(results))
        print(f"{newest['part']}: {newest['status']}, {newest['seconds']:.0f} s", flush=True)

    results = run_parts(parts(experiments.absolute(), small=values.small), out, values.minutes, report)
    print(table_text(results))
    print(f"{summary(results)} {out / 'accelerator.md'}, {out / 'accelerator.json'}")
    if failed(results):
        raise RunError("the accelerator check found something that is wrong; its table says what.")
