"""benchmark.py --config=FILE.py: what a training step of a configuration costs, part by part."""

from collections.abc import Sequence

from bilevel_jax.benchmarks.training_step_cost import time_parts
from bilevel_jax.command_line import define_config_flag, parse_flags
from bilevel_jax.data.sets import open_sets
from bilevel_jax.report.text_table import format_table
from bilevel_jax.training.config import check_config

USAGE = (
    "python experiments/benchmark.py --config=FILE.py [--config.a.b=value], or benchmark.py core, pipeline, metrics "
    "or accelerator with flags of their own (benchmark.py core --help)"
)


def step_command(argv: Sequence[str]) -> None:
    """Prints what a training step of a configuration costs, part by part."""
    values = parse_flags(lambda v: define_config_flag(v, argv), argv, USAGE, ["config"], "off")
    config = check_config(values.config)
    print(format_table(time_parts(config, open_sets(config.data, config.seed))))
