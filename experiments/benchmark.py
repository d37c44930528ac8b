"""What a training step costs, part by part: python experiments/benchmark.py --config=FILE.py [--config.a.b=value]"""

import sys

from bilevel_jax.errors import run_command
from bilevel_jax.evaluation.run import benchmark_command

if __name__ == "__main__":
    sys.exit(run_command(benchmark_command))
