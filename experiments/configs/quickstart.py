"""The whole method on the built-in scenes in minutes: tiny fusion network, segmentation.

python experiments/train.py --config=experiments/configs/quickstart.py
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config() -> ConfigDict:
    return default_config()
