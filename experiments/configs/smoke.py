"""A run of seconds that goes through everything once, for tests. Its figures mean nothing.

python experiments/train.py --config=experiments/configs/smoke.py
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config() -> ConfigDict:
    config = default_config()
    config.data.num_train = 16
    config.data.num_validation = 4
    config.data.num_test = 4
    config.data.height, config.data.width = 48, 64
    config.data.block = 4
    config.data.crop = (48, 48)
    config.data.batch_size = 2
    config.semantic.depth = 10
    config.semantic.width = 8
    config.semantic.channels = 16
    config.bilevel.outer_every = 2
    config.warm_start.steps = 4
    config.steps = 8
    config.rows.steps = 4
    config.rows.batch_size = 2
    config.checkpoint_every = 4
    config.sheet_every = 12
    return config
