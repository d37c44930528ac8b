"""The command benchmark.py: measures the training step of a configuration, or what the first argument names."""

from collections.abc import Sequence

from bilevel_jax.benchmarks.accelerator.missing_packages import stand_in
from bilevel_jax.start import run_subcommand

TRAINING_STEP = "bilevel_jax.commands.benchmark_step:step_command"
SUBCOMMANDS = {
    "core": "bilevel_jax.commands.benchmark_core:core_command",
    "pipeline": "bilevel_jax.commands.benchmark_pipeline:pipeline_command",
    "metrics": "bilevel_jax.commands.benchmark_metrics:metrics_command",
    "serving": "bilevel_jax.commands.benchmark_serving:serving_command",
    "imported": "bilevel_jax.commands.benchmark_imported:imported_command",
    "align": "bilevel_jax.commands.benchmark_align:align_command",
    "accelerator": "bilevel_jax.commands.benchmark_accelerator:accelerator_command",
}
# These run where little more than jax, flax, optax and orbax is installed.
WITH_FEW_PACKAGES = ("core", "accelerator")


def benchmark_command(argv: Sequence[str]) -> None:
    """Runs the measurement that the first argument names; without a name that of a training step.

    Raises:
        InputError: bad usage.
    """
    if argv[1:2] and argv[1] in WITH_FEW_PACKAGES:
        stand_in()  # before the imports of the command
    run_subcommand(argv, SUBCOMMANDS, default=TRAINING_STEP)
