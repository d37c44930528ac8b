"""Trains a fusion network: python experiments/train.py --config=experiments/configs/quickstart.py [--workdir=DIR]

Runs the warm start and the bilevel training, then makes the table of the test pairs. The same command continues a
stopped run. Exit codes: 0 done, 1 the run failed, 2 bad usage or input, 75 stopped by a signal: run it again.
"""

import sys

from bilevel_jax.start import start

if __name__ == "__main__":
    sys.exit(start("bilevel_jax.commands.train:train_command"))
