"""The whole method on the built-in scenes in minutes: tiny fusion network, segmentation.

    python experiments/train.py --config=experiments/configs/quickstart.py

Two cores of a server CPU, 2026-11-22: 4 min 51 s with its table. mIoU over all nine classes on 100 held-out scenes,
seed 0: infrared alone 35.3 %, visible alone 33.1 %, their average 39.2 %, fused 36.9 %.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config() -> ConfigDict:
    return default_config()
