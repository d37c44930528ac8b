"""The whole method on the built-in scenes in minutes: the local fusion network, segmentation by a ResNet-10.

    python experiments/train.py --config=experiments/configs/quickstart.py

Two cores of a server CPU, jax 0.10.1, 2026-11-28: 2 min 27 s with its table, with compiled programs from a start
before. mIoU over all nine classes on 100 test scenes, mean of the seeds 0 to 4: infrared alone 30.9 %, visible alone
23.5 %, their average 31.9 %, fused 33.4 %. Fused is above the average by 1.5 points [-0.2, 3.3], above infrared by 2.5
[0.0, 5.0] and above visible by 10.0 [8.3, 11.6] (Student's t over the seeds). With another seed a figure moves by up to
6 points. Seed 0 with `fusion.name` = tiny: 31.8 %.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config() -> ConfigDict:
    config = default_config()
    config.fusion.name = "local_heat"
    config.semantic.depth = 10
    config.rows.steps = 300
    config.rows.boundaries = (250,)
    config.rows.scales = (0.1,)
    return config
