"""The local network from the built-in scenes alone: weights that anyone may use, since no real picture made them.

    python experiments/train.py --config=experiments/configs/heat_scenes.py --workdir=RUN

The terms of appearance are those of heat.py, and there is no critic. `semantic` is a detector that starts afresh every
50 outer steps, and `segmenter` learns the label maps. No network of COCO takes part. The scenes have boxes and label
maps, so every batch teaches both.

Over the first 12 steps the medians of the gradients' norms are 1.1 (visual), 0.08 (semantic) and 0.03 (segmenter)
without `outer_weight`, which brings them to one order of magnitude.

The weights `scenes` of the package are made by this command, in 6 minutes on two busy cores of a server CPU (500 steps,
2026-11-28). On real test pairs they are 7.8 % behind those of heat.py (docs/results/local_heat.md).
"""

import runpy
from pathlib import Path

from ml_collections import ConfigDict

from bilevel_jax.training.config import task_block

FOUR_TASKS = runpy.run_path(str(Path(__file__).with_name("heat_four_tasks.py")))


def get_config() -> ConfigDict:
    config = FOUR_TASKS["HEAT"]["get_config"]()
    config.data.name, config.data.root, config.data.mix = "scenes", "", ()
    config.data.height, config.data.width = 192, 256
    config.data.crop = (160, 160)
    config.data.balance, config.data.balance_classes = 0.0, ()
    config.tasks = ("visual", "semantic", "segmenter")
    config.semantic = task_block(**FOUR_TASKS["FCOS"], restart=50, outer_weight=10.0)
    config.segmenter = task_block(task="segmentation", depth=10, adversarial=0.0, outer_weight=40.0)
    config.inner.learning_rate = 2e-3
    config.inner.clip_norm = 5.0
    config.outer.boundaries = (200, 330, 420)
    config.steps = 500
    return config
