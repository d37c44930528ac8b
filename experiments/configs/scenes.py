"""The built-in scenes with more time: 600 training scenes, 200 of val and of test, tiny fusion network.

    python experiments/train.py --config=experiments/configs/scenes.py
    python experiments/train.py --config=experiments/configs/scenes.py --config.semantic.task=detection --workdir=DIR

Two cores of a server CPU, 2026-11-22: about 10 min a task (4 of training, 6 of the table's networks). Segmentation,
mIoU over all nine classes on val, seeds 0, 1, 2: infrared alone 46.1, 48.8, 45.0 %; visible alone 41.6, 40.2, 41.4 %;
average 54.5, 52.4, 53.5 %; fused 54.2, 51.7, 52.9 %. Detection, AP50 at rows of 500 steps, seed 0 alone: 51.4, 40.9,
61.7 and 65.8 %.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config() -> ConfigDict:
    config = default_config()
    config.data.num_train = 600
    config.data.num_validation = 200
    config.data.num_test = 200
    config.warm_start.steps = 300
    config.steps = 900
    config.rows.steps = 1000
    config.checkpoint_every = 300
    config.sheet_every = 600
    return config
