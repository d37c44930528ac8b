"""train.py: trains a run from a configuration file and makes its table."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
from absl import flags
from tqdm import tqdm

from bilevel_jax.command_line import define_config_flag, define_report_flag, parse_flags, print_report
from bilevel_jax.data.check_crop import check_crop
from bilevel_jax.data.mixed_sets import add_mixture, keep_all_lists
from bilevel_jax.data.sets import open_sets
from bilevel_jax.data.sources.source import Source
from bilevel_jax.evaluation.held_out.evaluate_run import evaluate_run
from bilevel_jax.evaluation.held_out.final_table import held_out_table, printed_text
from bilevel_jax.evaluation.held_out.validation import Validation
from bilevel_jax.images.files import FileNote, FileNotes
from bilevel_jax.training.config import check_config
from bilevel_jax.training.config.help import config_help
from bilevel_jax.training.devices import join_cluster, wait_for_first_process
from bilevel_jax.training.loop import train
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.signals import StopRequest

MOST_NOTES = 10
USAGE = "python experiments/train.py --config=FILE.py [--workdir=DIR] [--report=DIR] [--config.a.b=value]"


def train_command(argv: Sequence[str]) -> None:
    """Trains as the configuration says and prints the table of the test pairs."""

    def define(values: flags.FlagValues) -> None:
        define_config_flag(values, argv)
        flags.DEFINE_string("workdir", None, "the run's folder (default: runs/CONFIG)", flag_values=values)
        flags.DEFINE_string(
            "coordinator", None, "HOST:PORT of process 0, where several processes make this run", flag_values=values
        )
        flags.DEFINE_integer("num_processes", None, "number of processes that make this run", flag_values=values)
        flags.DEFINE_integer("process_id", None, "number of this process, from 0", flag_values=values)
        define_report_flag(values)

    values = parse_flags(define, argv, USAGE, required=["config"], more_help=_keys_help)
    config = check_config(values.config)
    join_cluster(values.coordinator, values.num_processes, values.process_id)
    config_flag: Any = values["config"]  # absl's Flag type does not know ml_collections' attribute
    workdir = Path(values.workdir or Path("runs") / Path(config_flag.config_filename).stem).absolute()
    with StopRequest() as stop:
        own = open_sets(config.data, config.seed, stop.check, run=workdir)
        sets = add_mixture(config.data, own, config.seed, workdir)
        split, reported = sets.reported()
        notes = FileNotes()
        for source in dict.fromkeys((sets.train, sets.validation, reported)):
            notes.add(_check(source))
        if jax.process_index() == 0:
            _print_notes(notes.lines())
        check_crop(config.data, sets.train)
        print(
            f"{len(sets.train)} training pairs ({len(sets.inner)} inner, {len(sets.outer)} outer), "
            f"{len(sets.validation)} val (choose), {len(reported)} {split} (reported); writing to {workdir}",
            flush=True,
        )
        # The label classes may be those of a set that is mixed in.
        networks = networks_from_config(config, sets.train.class_names, sets.train.label_names)
        validate = Validation(config, own.validation, networks) if config.validate_every else None
        if jax.process_index() == 0 and (sentence := keep_all_lists(sets, workdir)):
            print(sentence, flush=True)
        train(config, sets, workdir, stop, validate)
        if jax.process_index() != 0:
            return wait_for_first_process()  # which makes the table, alone
        table = held_out_table(config, networks, own, workdir, stop)
    if values.report is not None:
        evaluate_run(workdir, report=values.report)
    print(printed_text(table))
    print(f"Pictures: {workdir / 'sheets'}; curves: {workdir / 'curves.png'}; table: {workdir / 'table.md'}")
    print_report(values)
    wait_for_first_process()


def _print_notes(lines: Sequence[str]) -> None:
    """Prints the first notes on the files, and how many more there are."""
    more = [f"note: {len(lines) - MOST_NOTES} more like these"] if len(lines) > MOST_NOTES else []
    for line in (*lines[:MOST_NOTES], *more):
        print(line, file=sys.stderr, flush=True)


def _keys_help(values: flags.FlagValues) -> str:
    if values.config is None:
        return "Add --config=FILE.py to this command to see every key of the configuration."
    return config_help(values.config)


def _check(source: Source) -> list[FileNote]:
    """Looks at every file of a source once, so that a bad one is named before the first step; returns its notes."""
    bar = tqdm(total=len(source), desc="checking files", unit="pair", leave=False, dynamic_ncols=True, delay=0.1)
    with bar:  # not shown for a source that has no files
        return source.check(lambda done, total: bar.update())
