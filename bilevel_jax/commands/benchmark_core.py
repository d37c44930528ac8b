"""The command `benchmark.py core`: measures the weightings and the estimators of the core."""

from collections.abc import Sequence

from absl import flags

from bilevel_jax.atomic import write_text
from bilevel_jax.benchmarks.core_tables import ESTIMATOR_NAMES, KNOWN, NETWORK_NAMES, WEIGHTING_NAMES, core_tables
from bilevel_jax.command_line import parse_flags
from bilevel_jax.errors import InputError

USAGE = """python experiments/benchmark.py core [--networks=0.4M,30M] [--tasks=2,8] [--out=FILE.md]
Prints the cost of each weighting and each estimator in units of one plain gradient of the summed loss."""


def core_command(argv: Sequence[str]) -> None:
    """Measures, prints the tables, and writes them to --out."""
    values = parse_flags(_define, argv, USAGE, compilation_cache="off")
    chosen = {"networks": values.networks, "weightings": values.weightings, "estimators": values.estimators}
    for flag, known in KNOWN.items():
        for name in chosen[flag]:
            if name not in known:
                raise InputError(f"--{flag} has {name!r}; expected some of {', '.join(sorted(known))}.")
    tasks = [_number_of_tasks(text) for text in values.tasks]
    texts = []
    tables = core_tables(values.networks, tasks, values.weightings, values.estimators, values.repeats, values.examples)
    for text in tables:
        print(text, flush=True)
        texts.append(text)
    if values.out:
        write_text(values.out, "\n\n".join(texts) + "\n")


def _define(values: flags.FlagValues) -> None:
    flags.DEFINE_list("networks", ["0.4M", "30M"], f"some of {', '.join(NETWORK_NAMES)}", flag_values=values)
    flags.DEFINE_list("tasks", ["2", "8"], "numbers of tasks K", flag_values=values)
    text = "names of weightings; an empty list measures none"
    flags.DEFINE_list("weightings", list(WEIGHTING_NAMES), text, flag_values=values)
    text = "names of estimators; an empty list measures none"
    flags.DEFINE_list("estimators", list(ESTIMATOR_NAMES), text, flag_values=values)
    text = "calls after the first one; the least time counts"
    flags.DEFINE_integer("repeats", 3, text, lower_bound=1, flag_values=values)
    text = "batch size (default: the network's own)"
    flags.DEFINE_integer("examples", None, text, lower_bound=1, flag_values=values)
    flags.DEFINE_string("out", None, "Markdown file that receives the tables", flag_values=values)


def _number_of_tasks(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 16:
        raise InputError(f"--tasks has {text!r}; expected numbers from 1 to 16.")
    return int(text)
