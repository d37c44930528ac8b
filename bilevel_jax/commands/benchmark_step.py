"""The command `benchmark.py --config=FILE.py`: measures the training step of a configuration."""

from collections.abc import Sequence

from bilevel_jax.benchmarks.training_step_cost import time_parts
from bilevel_jax.command_line import define_config_flag, parse_flags
from bilevel_jax.data.sets import open_sets
from bilevel_jax.report.text_table import format_table
from bilevel_jax.training.config import check_config

USAGE = """python experiments/benchmark.py --config=FILE.py [--config.a.b=value]
Prints the time of a training step of the configuration, part by part. To measure something else, name it: benchmark.py
core, pipeline, metrics or accelerator, each with --help."""


def step_command(argv: Sequence[str]) -> None:
    """Measures and prints the table."""
    values = parse_flags(lambda v: define_config_flag(v, argv), argv, USAGE, ["config"], "off")
    config = check_config(values.config)
    print(format_table(time_parts(config, open_sets(config.data, config.seed))))
