"""The commands of experiments/: flags -> configuration -> one call."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
from absl import flags
from tqdm import tqdm

from bilevel_jax.command_line import define_checkpoint_flag, define_config_flag, parse_flags
from bilevel_jax.data.mixed_sets import add_mixture
from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.leaderboard_command import USAGE as LEADERBOARD_USAGE
from bilevel_jax.evaluation.leaderboard_command import define_leaderboard_flags, run_leaderboard
from bilevel_jax.evaluation.table import evaluate_run, held_out_table, table_text
from bilevel_jax.evaluation.validation import Validation
from bilevel_jax.report.tables import format_table
from bilevel_jax.training.config import check_config
from bilevel_jax.training.devices import join_cluster, wait_for_first_process
from bilevel_jax.training.loop import train
from bilevel_jax.training.problem import networks_from_config
from bilevel_jax.training.signals import StopRequest
from bilevel_jax.training.timing import time_parts

TRAIN_USAGE = "python experiments/train.py --config=FILE.py [--workdir=DIR] [--report=DIR] [--config.a.b=value]"
BENCHMARK_USAGE = (
    "python experiments/benchmark.py --config=FILE.py [--config.a.b=value], or benchmark.py core, pipeline, metrics "
    "or accelerator with flags of their own (benchmark.py core --help)"
)
RUN_USAGE = (
    "python experiments/evaluate.py --workdir=DIR [--split=val|test] [--data=FOLDER] [--list=FILE] [--predictions=DIR] "
    "[--report=DIR]"
)
EVALUATE_USAGE = f"{RUN_USAGE}\n   or: {LEADERBOARD_USAGE}"


def train_command(argv: Sequence[str]) -> None:
    """Trains as the configuration says and prints the table of the test pairs."""

    def define(values: flags.FlagValues) -> None:
        define_config_flag(values, argv)
        flags.DEFINE_string("workdir", None, "the run's folder (default: runs/CONFIG)", flag_values=values)
        flags.DEFINE_string("coordinator", None, "HOST:PORT of process 0, of several processes", flag_values=values)
        flags.DEFINE_integer("num_processes", None, "how many processes make this run", flag_values=values)
        flags.DEFINE_integer("process_id", None, "which of them this is, from 0", flag_values=values)
        _define_report(values)

    values = parse_flags(define, argv, TRAIN_USAGE, required=["config"])
    config = check_config(values.config)
    join_cluster(values.coordinator, values.num_processes, values.process_id)
    name = Path(values["config"].config_filename).stem
    workdir = Path(values.workdir or Path("runs") / name).absolute()
    with StopRequest() as stop:
        own = open_sets(config.data, config.seed, stop.check)
        sets = add_mixture(config.data, own, config.seed)
        split, reported = sets.reported()
        for source in dict.fromkeys((sets.train, sets.validation, reported)):
            _check(source)
        print(
            f"{len(sets.train)} training pairs ({len(sets.inner)} inner, {len(sets.outer)} outer), "
            f"{len(sets.validation)} val (choose), {len(reported)} {split} (reported); writing to {workdir}",
            flush=True,
        )
        validate = None
        if config.validate_every:
            networks = networks_from_config(config, own.train.class_names, own.train.label_names)
            validate = Validation(config, own.validation, networks)
        train(config, sets, workdir, stop, validate)
        if jax.process_index() != 0:
            return wait_for_first_process()  # which makes the table, alone
        table = held_out_table(config, own, workdir, stop)
    if values.report is not None:
        evaluate_run(workdir, report=values.report)
    print(table_text(table))
    print(f"Pictures: {workdir / 'sheets'}; curves: {workdir / 'curves.png'}; table: {workdir / 'table.md'}")
    _say_report(values)
    wait_for_first_process()


def _check(source: Any) -> None:
    """Looks at every file of a folder once, so that a bad one is named before the first step."""
    if hasattr(source, "check"):
        with tqdm(total=len(source), desc="checking files", unit="pair", leave=False, dynamic_ncols=True) as bar:
            source.check(lambda done, total: bar.update())


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
        _define_report(values)

        define_leaderboard_flags(values)

    values = parse_flags(define, argv, EVALUATE_USAGE)
    images = [name for name in ("fused", "ir", "vis", "published", "out") if values[name].value]
    if images and values.workdir:
        raise InputError(f"--workdir and --{images[0]} are both given; expected a run's table or a leaderboard.")
    if images:
        return run_leaderboard(values)
    if not values.workdir:
        raise InputError(f"--workdir is missing, or --ir and --vis. Usage: {' '.join(EVALUATE_USAGE.split())}")
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
    _say_report(values)


def _define_report(values: flags.FlagValues) -> None:
    flags.DEFINE_string("report", None, "folder that receives a page, index.html", flag_values=values)


def _say_report(values: flags.FlagValues) -> None:
    if values.report is not None:
        print(f"Report: {Path(values.report) / 'index.html'}")


def benchmark_command(argv: Sequence[str]) -> None:
    """Prints what a training step of a configuration costs, part by part."""
    values = parse_flags(lambda v: define_config_flag(v, argv), argv, BENCHMARK_USAGE, ["config"], "off")
    config = check_config(values.config)
    print(format_table(time_parts(config, open_sets(config.data, config.seed))))
