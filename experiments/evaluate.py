"""Evaluates a trained run: python experiments/evaluate.py --workdir=DIR [--data=FOLDER] [--predictions=DIR]

Prints the held-out table, on the run's own held-out set or on any folder of pairs. Or ranks the fused images of
any methods:

    python experiments/evaluate.py --fused=DIR [--fused=DIR2 ...] --ir=DIR --vis=DIR [--published=CSV] [--out=DIR]
"""

import sys

from bilevel_jax.start import start

if __name__ == "__main__":
    sys.exit(start("bilevel_jax.evaluation.run:evaluate_command"))
