"""What a training step costs, part by part; the methods of the core; how fast the data comes; the measures; a GPU.

python experiments/benchmark.py --config=FILE.py [--config.a.b=value]
python experiments/benchmark.py core [--networks=0.4M,30M] [--tasks=2,8] [--out=FILE.md]
python experiments/benchmark.py pipeline --data=DIR [--crop=256,256] [--batch_size=8]
python experiments/benchmark.py metrics [--size=480,640]
python experiments/benchmark.py accelerator --out=DIR [--minutes=8] [--small]
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from bilevel_jax.start import start


def main(argv: Sequence[str]) -> None:
    # Imported where they are needed: the core's table asks for nothing but jax, flax and optax.
    if argv[1:2] == ["core"]:
        from bilevel_jax.commands.benchmark_core import core_command

        core_command([argv[0], *argv[2:]])
    elif argv[1:2] == ["pipeline"]:
        from bilevel_jax.commands.benchmark_pipeline import pipeline_command

        pipeline_command([argv[0], *argv[2:]])
    elif argv[1:2] == ["metrics"]:
        from bilevel_jax.commands.benchmark_metrics import metrics_command

        metrics_command([argv[0], *argv[2:]])
    elif argv[1:2] == ["accelerator"]:
        from bilevel_jax.benchmarks.accelerator.missing_packages import stand_in

        stand_in()  # first: the machine may have little more than jax, flax, optax and orbax
        from bilevel_jax.commands.benchmark_accelerator import accelerator_command

        accelerator_command([argv[0], *argv[2:]], Path(__file__).parent)
    else:
        from bilevel_jax.commands.benchmark_step import step_command

        step_command(argv)


if __name__ == "__main__":
    sys.exit(start(main))
