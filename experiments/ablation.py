"""What each part of the method is worth: the same run with one thing changed, scored in three ways.

    python experiments/ablation.py --config=FILE.py --out=DIR --detector=FILE.py --init=FILE.safetensors \\
        --ir=DIR --vis=DIR --published=peers.csv
    python experiments/ablation.py ... --stage=final --rows=one_step,f2sa,joint

The first trains every row (bilevel_jax/evaluation/ablation/rows.py) for a quarter of the steps at one seed, the second
the named ones in full at three. Each row gets the mean rank of the nine measures on the pairs of --ir and --vis, the
AP50 of a detector that learns from its fused images, and the time of a step. OUT/STAGE/ablation.md is written after
every row; finished parts are read, not made again: the same command continues, and rows and seeds can be added.
"""

import sys

from bilevel_jax.start import start

if __name__ == "__main__":
    sys.exit(start("bilevel_jax.commands.ablation:ablation_command"))
