"""A folder of real pairs with boxes, such as the MSRS detection subset at 320x240, on a CPU.

    python experiments/train.py --config=experiments/configs/msrs.py --config.data.root=DIR

DIR holds ir/ vi/ boxes/ classes.txt train.txt val.txt. The target is `bright`: real infrared images are often dim, and
the saliency-weighted target then darkens what the visible camera sees well.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config() -> ConfigDict:
    config = default_config()
    config.data.name = "folder"
    config.data.crop = (160, 160)
    config.data.batch_size = 4
    config.visual.target = "bright"
    config.visual.saliency_blur = 2.0
    config.semantic.task = "detection"
    config.warm_start.steps = 300
    config.steps = 900
    config.rows.steps = 600
    config.rows.batch_size = 4
    config.checkpoint_every = 300
    config.sheet_every = 600
    return config
