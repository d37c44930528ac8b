"""The built-in scenes with more time: 600 training scenes, 200 of val and of test, the network of the quickstart.

    python experiments/train.py --config=experiments/configs/scenes.py
    python experiments/train.py --config=experiments/configs/scenes.py --config.semantic.task=detection --workdir=DIR

Two cores of a server CPU, 2026-11-28: about 10 min a task on idle cores (4 of training, 6 of the table's networks).
Segmentation, mIoU over all nine classes on test, mean of the seeds 0 to 4: infrared alone 45.3 %, visible alone 42.8 %,
average 52.5 %, fused 56.2 %. Fused less average: +3.8 [0.8, 6.7], and above 0 with each seed. Detection was not
measured with this network (docs/results/scenes.md has figures of the one before).
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config() -> ConfigDict:
    config = default_config()
    config.fusion.name = "local_heat_vivid"
    config.semantic.outer_weight = 4.0
    config.outer.learning_rate = 2e-3
    config.data.num_train = 600
    config.data.num_validation = 200
    config.data.num_test = 200
    config.warm_start.steps = 300
    config.steps = 900
    config.rows.steps = 1000
    config.checkpoint_every = 300
    config.sheet_every = 600
    return config
