"""Evaluates a trained run: python experiments/evaluate.py --workdir=DIR [--split=val|test] [--data=FOLDER]

Prints the table of the run's own test (or val) pairs, or of any folder of pairs. With --ir and --vis it ranks the fused
images of any methods instead:

    python experiments/evaluate.py --fused=DIR [--fused=DIR2 ...] --ir=DIR --vis=DIR [--published=CSV] [--out=DIR]

With the word appearance it measures what an eye minds in the images of several methods, on several sets at once:

    python experiments/evaluate.py appearance --data=DIR[:SPLIT],... --methods=METHOD,... [--out=DIR]

With the word eyes it makes sheets on which people compare two methods blind, and counts their answers:

    python experiments/evaluate.py eyes --data=DIR[:SPLIT],... --ours=METHOD --against=METHOD,... --out=DIR
    python experiments/evaluate.py eyes --key=DIR --answers=FILE[,FILE2,...] [--out=DIR]
"""

import sys

from bilevel_jax.start import start

if __name__ == "__main__":
    sys.exit(start("bilevel_jax.commands.evaluate:evaluate_command"))
