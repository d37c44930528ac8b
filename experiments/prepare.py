"""Prepares a data set: python experiments/prepare.py --dataset=msrs --source=DIR [--out=DIR]

Reads a download as it was unpacked, looks at every file, and writes what training reads; prints pairs, classes, day and
night, and what was rejected with the reason. Training on the download itself does the same on first use.
"""

import sys

from bilevel_jax.start import start

if __name__ == "__main__":
    sys.exit(start("bilevel_jax.commands.prepare:prepare_command"))
