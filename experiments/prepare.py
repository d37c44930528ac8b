"""Prepares a data set: python experiments/prepare.py --dataset=msrs --source=DIR [--out=DIR]

Reads a download as it was unpacked, checks every file, and writes the files that training reads. Prints the number of
pairs, classes, day and night, and each rejected file with the reason. Training on the download itself does the same on
its first start.
"""

import sys

from bilevel_jax.start import start

if __name__ == "__main__":
    sys.exit(start("bilevel_jax.commands.prepare:prepare_command"))
