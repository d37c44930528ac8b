"""The whole method on the built-in scenes in minutes: tiny fusion network, segmentation.

    python experiments/train.py --config=experiments/configs/quickstart.py

Two cores of a server CPU, 2026-11-23: 5 min 10 s with its table. mIoU over all nine classes on 100 val scenes, seed 0:
infrared alone 34.3 %, visible alone 31.7 %, their average 38.6 %, fused 40.3 %. One seed more moves a figure by up to 5
points.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config() -> ConfigDict:
    return default_config()
