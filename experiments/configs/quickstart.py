"""The whole method on the built-in scenes in minutes: tiny fusion network, segmentation by a ResNet-10.

    python experiments/train.py --config=experiments/configs/quickstart.py

FIGURES
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config() -> ConfigDict:
    config = default_config()
    config.semantic.depth = 10
    config.rows.steps = 300
    config.rows.boundaries = (250,)
    config.rows.scales = (0.1,)
    return config
