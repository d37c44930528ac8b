"""The built-in scenes with more time: 600 training scenes, 200 held out, tiny fusion network.

python experiments/train.py --config=experiments/configs/scenes.py
python experiments/train.py --config=experiments/configs/scenes.py --config.semantic.task=detection --workdir=DIR
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config() -> ConfigDict:
    config = default_config()
    config.data.num_train = 600
    config.data.num_validation = 200
    config.warm_start.steps = 300
    config.steps = 900
    config.rows.steps = 500
    config.checkpoint_every = 300
    config.sheet_every = 600
    return config
