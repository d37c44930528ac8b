"""The local network without any detector of COCO: appearance, and a detector that starts afresh every 50 steps.

    python experiments/train.py --config=experiments/configs/heat_without_yolox.py:DIR --workdir=RUN

DIR holds the folders of heat.py. Neither the loss nor a teacher knows YOLOX, so YOLOX may judge the result as a network
that was never seen. The detector learns from the boxes of msrs/ and llvip/. Pairs without boxes teach the appearance
alone.

At every fourth of the first 36 steps the gradient of appearance has a norm of 1 to 27 (median 7), and that of the
detector 0.04 to 0.6 (median 0.2) without `outer_weight`, which brings them to one order of magnitude.

One core of a server CPU takes 10 minutes beside other work (500 steps, 2026-11-28). Before YOLOX, the pictures are
17.2 % [9.7, 27.5] better than the maximum of both images, before NanoDet 1.7 % [-7.8, 14.3]
(docs/results/local_heat.md).
"""

import runpy
from pathlib import Path

from ml_collections import ConfigDict

from bilevel_jax.training.config import task_block

FOUR_TASKS = runpy.run_path(str(Path(__file__).with_name("heat_four_tasks.py")))


def get_config(root: str = "") -> ConfigDict:
    config = FOUR_TASKS["HEAT"]["get_config"](root)
    config.semantic = task_block(**FOUR_TASKS["FCOS"], restart=50, outer_weight=20.0)
    config.inner.learning_rate = 2e-3
    config.inner.clip_norm = 5.0
    return config
