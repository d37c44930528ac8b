"""The command `benchmark.py --config=FILE.py`: measures the training step of a configuration."""

from collections.abc import Sequence

from absl import flags

from bilevel_jax.benchmarks.training_step_cost import time_by_tasks, time_parts
from bilevel_jax.command_line import define_config_flag, parse_flags
from bilevel_jax.data.mixed_sets import add_mixture
from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import InputError
from bilevel_jax.report.text_table import format_table
from bilevel_jax.training.config import check_config
from bilevel_jax.training.learned_loss import NONE, learns_loss

USAGE = """python experiments/benchmark.py --config=FILE.py [--by_tasks] [--config.a.b=value]
Prints the time of a training step of the configuration, part by part. To measure something else, name it: benchmark.py
core, pipeline, metrics or accelerator, each with --help."""


def step_command(argv: Sequence[str]) -> None:
    """Measures and prints the table."""

    def define(values: flags.FlagValues) -> None:
        define_config_flag(values, argv)
        text = "time the inner and outer step with the first two tasks of the configuration, the first three, ..."
        flags.DEFINE_bool("by_tasks", False, text, flag_values=values)

    values = parse_flags(define, argv, USAGE, ["config"], "off")
    config = check_config(values.config)
    if learns_loss(config):
        raise InputError(
            f"config.learned_loss.form is {config.learned_loss.form!r}; expected {NONE}: the benchmark measures the "
            "steps of the other formulations. train.py writes time/step_s of each step into metrics.jsonl."
        )
    sets = add_mixture(config.data, open_sets(config.data, config.seed), config.seed)
    print(format_table(time_by_tasks(config, sets) if values.by_tasks else time_parts(config, sets)))
