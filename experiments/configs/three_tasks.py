"""Three tasks at once on the built-in scenes: how the image looks, a detector (FCOS) and a segmenter.

    python experiments/train.py --config=experiments/configs/three_tasks.py --workdir=DIR

The built-in scenes have boxes and label maps, so every batch teaches both networks. Time and figures are not measured.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config, task_block


def get_config() -> ConfigDict:
    config = default_config()
    config.tasks = ("visual", "semantic", "segmenter")
    config.semantic.task = "detection"
    config.semantic.depth = 10
    config.semantic.head_convs = 1
    config.segmenter = task_block(task="segmentation", depth=10)
    config.rows.steps = 300
    config.rows.boundaries = (250,)
    config.rows.scales = (0.1,)
    return config
