"""Measures what each part of the method is worth: the same training with one thing changed in each row.

    python experiments/ablation.py --config=FILE.py --out=DIR --detector=FILE.py --init=FILE.safetensors \\
        --ir=DIR --vis=DIR --published=peers.csv
    python experiments/ablation.py ... --stage=final --rows=one_step,f2sa,joint

    python experiments/ablation.py --config=FILE.py --out=DIR --judge=A.onnx,B.onnx --data=DIR,DIR2 --reference=max

The first command trains every row (bilevel_jax/evaluation/ablation/ablation_rows.py) for a quarter of the steps at one
seed. The second one trains the named rows in full at three seeds. Each row gets three figures: the mean rank of the
nine metrics on the pairs of --ir and --vis, the AP50 of a detector that learns from its fused images, and the time of a
step. In the third command detectors that nobody here trained look at the images of each row, in place of a detector
that learns from them.
OUT/STAGE/ablation.md is written after every row. Finished parts are read and not made again, so the same command
continues, and rows and seeds can be added.
"""

import sys

from bilevel_jax.start import start

if __name__ == "__main__":
    sys.exit(start("bilevel_jax.commands.ablation:ablation_command"))
