"""Fuses pairs of image files.

python experiments/fuse.py --ir=DIR_OR_FILE --vis=DIR_OR_FILE --out=DIR [--workdir=DIR]
"""

import sys

from bilevel_jax.start import fuse

if __name__ == "__main__":
    sys.exit(fuse())
