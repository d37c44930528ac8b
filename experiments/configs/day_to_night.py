"""Fuse so that a segmenter that learns by day works by night: two levels with a correction, on the built-in scenes.

    python experiments/train.py --config=experiments/configs/day_to_night.py
    python experiments/downstream.py --workdir=runs/day_to_night --inputs=ours,ir,vi,average --seeds=0

The segmenter learns from labelled day scenes alone, as do the fresh segmenters of the table. The fusion network's outer
loss is that of night scenes, whose labels no segmenter learns from. This is the case in which the correction for the
second level was worth something on a small problem (docs/results/bilevel_study.md). `truncated` differentiates three
steps of the segmenter, which begins anew after every 20 outer steps. There is no discriminator, so the segmenter is the
only inner problem. `downstream.py` shows the figures of day and of night.

Two cores of a server CPU, 2026-11-28, beside six other processes: 10 min of training, most of it for compilation, and 2
min for each segmenter. mIoU over all nine classes of a fresh segmenter on the 86 test scenes by night, seed 0: fused
24.7 %, infrared 21.3 %, visible 11.2 %, average 17.5 %. On all 200 scenes, seed 1: 23.4, 20.7, 15.9 and 17.6 %.
Without the correction (`ignore`) fused has 23.9 % by night, so its gain of 0.8 points [-0.2, 1.9] is not certain. At
`solve_rate` 0.1 the correction is far too long and costs five points.
"""

import runpy
from pathlib import Path

from ml_collections import ConfigDict

FEW_LABELS = runpy.run_path(str(Path(__file__).with_name("few_labels.py")))


def get_config() -> ConfigDict:
    config = FEW_LABELS["get_config"]()
    config.data.inner_labels = 0
    config.data.inner_where = "day"
    config.data.outer_where = "night"
    config.bilevel.estimator = "truncated"
    config.bilevel.solve_steps = 3
    config.bilevel.solve_rate = 0.02
    config.bilevel.estimator_options.backward_steps = 3
    return config
