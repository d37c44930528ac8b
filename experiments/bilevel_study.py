"""Measures on which problems a correction for the second level helps: small problems with known answers.

    python experiments/bilevel_study.py --problem=few_labels --labels=20,50,200 --out=DIR
    python experiments/bilevel_study.py --problem=day_to_night --labels=50 --gap=0.5 --out=DIR

A fusion rule of ten parameters is trained on the built-in scenes so that a head that learns from the inner scenes does
well on the outer ones. Each row (bilevel_jax/evaluation/bilevel_study/study_rows.py) takes another hypergradient, with
a step size of its own, chosen on other seeds. OUT/labels-N/table.md is written after every row. Each finished cell is a
file that is read and not made again, so the same command continues, and rows and seeds can be added.
"""

import sys

from bilevel_jax.start import start

if __name__ == "__main__":
    sys.exit(start("bilevel_jax.commands.bilevel_study:bilevel_study_command"))
