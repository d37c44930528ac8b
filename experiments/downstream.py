"""Measures what each kind of input is worth to a detector or segmenter.

    python experiments/downstream.py --task=detection --data=DIR --inputs=ir,vi,average,max,laplacian,ours --workdir=RUN

Trains the same network with the same seeds and budget on each input. Finished cells (input and seed) are kept, so the
same command continues a stopped comparison, and more seeds or inputs can be added. --config=FILE.py sets sizes and
optimizers.
"""

import sys

from bilevel_jax.start import start

if __name__ == "__main__":
    sys.exit(start("bilevel_jax.commands.downstream:downstream_command"))
