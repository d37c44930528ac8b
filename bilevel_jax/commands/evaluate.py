"""The command evaluate.py: prints the table of a finished run, or a leaderboard of fused images."""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from bilevel_jax.command_line import define_checkpoint_flag, define_report_flag, parse_flags, print_report
from bilevel_jax.commands.evaluate_appearance import USAGE as APPEARANCE_USAGE
from bilevel_jax.commands.evaluate_eyes import MAKE_USAGE as EYES_USAGE
from bilevel_jax.commands.evaluate_eyes import READ_USAGE as EYES_ANSWERS_USAGE
from bilevel_jax.commands.evaluate_leaderboard import USAGE as LEADERBOARD_USAGE
from bilevel_jax.commands.evaluate_leaderboard import define_leaderboard_flags, run_leaderboard
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.held_out.evaluate_run import evaluate_run
from bilevel_jax.evaluation.held_out.final_table import printed_text
from bilevel_jax.start import run_subcommand

SUBCOMMANDS = {
    "appearance": "bilevel_jax.commands.evaluate_appearance:appearance_command",
    "eyes": "bilevel_jax.commands.evaluate_eyes:eyes_command",
}
RUN_USAGE = (
    "python experiments/evaluate.py --workdir=DIR [--split=val|test] [--data=FOLDER] [--list=FILE] [--predictions=DIR] "
    "[--report=DIR]"
)
USAGE = f"""{RUN_USAGE}
   or: {LEADERBOARD_USAGE}
   or: {APPEARANCE_USAGE.splitlines()[0]}
   or: {EYES_USAGE}
   or: {EYES_ANSWERS_USAGE}
Prints the table of a finished run, or ranks fused images of any methods."""


def evaluate_command(argv: Sequence[str]) -> None:
    """Prints the table of a finished run on its test pairs or on a folder, a leaderboard, or a table of appearance."""
    if argv[1:2] and argv[1] in SUBCOMMANDS:
        return run_subcommand(argv, SUBCOMMANDS)
    values = parse_flags(_define, argv, USAGE)
    images = [name for name in ("fused", "ir", "vis", "published", "out") if values[name].value]
    if images and values.workdir:
        raise InputError(f"--workdir and --{images[0]} are both given; expected a run's table or a leaderboard.")
    if images:
        return run_leaderboard(values)
    if not values.workdir:
        raise InputError(f"--workdir is missing, or --ir and --vis. Usage: {RUN_USAGE} or: {LEADERBOARD_USAGE}")
    if values.list and (values.split or not values.data):
        raise InputError(
            f"--list={values.list} is for --data without --split; expected --split for the run's own pairs."
        )
    table, path = evaluate_run(
        Path(values.workdir),
        data=values.data,
        names_list=values.list or (values.split if values.data else None),
        predictions=values.predictions,
        report=values.report,
        checkpoint=values.checkpoint,
        split=values.split,
    )
    print(printed_text(table))
    print(f"Table: {path}" + (f"; predictions: {values.predictions}" if values.predictions else ""))
    print_report(values)


def _define(values: flags.FlagValues) -> None:
    flags.DEFINE_string("workdir", None, "folder of a training run", flag_values=values)
    text = "folder of pairs, or a prepared data set (default: the run's own data)"
    flags.DEFINE_string("data", None, text, flag_values=values)
    flags.DEFINE_string("list", None, "file in --data with the names to take, or a split", flag_values=values)
    text = "which pairs (default: test, or val for a run without a test split; with --data all pairs)"
    flags.DEFINE_enum("split", None, ["val", "test"], text, flag_values=values)
    text = "folder that receives COCO json, label PNG and overlays"
    flags.DEFINE_string("predictions", None, text, flag_values=values)
    define_checkpoint_flag(values)
    define_report_flag(values)
    define_leaderboard_flags(values)
