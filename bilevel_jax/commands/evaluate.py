"""evaluate.py: the table of a finished run, or a leaderboard of fused images."""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from bilevel_jax.command_line import define_checkpoint_flag, define_report_flag, parse_flags, print_report
from bilevel_jax.commands.evaluate_leaderboard import USAGE as LEADERBOARD_USAGE
from bilevel_jax.commands.evaluate_leaderboard import define_leaderboard_flags, run_leaderboard
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.held_out.final_table import evaluate_run, table_text

RUN_USAGE = (
    "python experiments/evaluate.py --workdir=DIR [--split=val|test] [--data=FOLDER] [--list=FILE] [--predictions=DIR] "
    "[--report=DIR]"
)
USAGE = f"{RUN_USAGE}\n   or: {LEADERBOARD_USAGE}"


def evaluate_command(argv: Sequence[str]) -> None:
    """Prints the table of a finished run, on its test or on a folder; or a leaderboard of fused images."""

    def define(values: flags.FlagValues) -> None:
        flags.DEFINE_string("workdir", None, "a run's folder, as train.py made it", flag_values=values)
        flags.DEFINE_string("data", None, "folder of pairs or prepared (default: the run's)", flag_values=values)
        flags.DEFINE_string("list", None, "file in --data with the names to take, or a split", flag_values=values)
        text = "which pairs of the data (default: test, or val for a run without a test; with --data all)"
        flags.DEFINE_enum("split", None, ["val", "test"], text, flag_values=values)
        flags.DEFINE_string("predictions", None, "where COCO json, label PNG and overlays go", flag_values=values)
        define_checkpoint_flag(values)
        define_report_flag(values)

        define_leaderboard_flags(values)

    values = parse_flags(define, argv, USAGE)
    images = [name for name in ("fused", "ir", "vis", "published", "out") if values[name].value]
    if images and values.workdir:
        raise InputError(f"--workdir and --{images[0]} are both given; expected a run's table or a leaderboard.")
    if images:
        return run_leaderboard(values)
    if not values.workdir:
        raise InputError(f"--workdir is missing, or --ir and --vis. Usage: {' '.join(USAGE.split())}")
    if values.list and (values.split or not values.data):
        raise InputError(
            f"--list={values.list} is for --data without --split; expected --split for the run's own pairs."
        )
    table = evaluate_run(
        Path(values.workdir),
        values.data,
        values.list or (values.split if values.data else None),
        values.predictions,
        values.report,
        values.checkpoint,
        values.split,
    )
    print(table_text(table))
    print_report(values)
