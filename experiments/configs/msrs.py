"""A folder of real pairs with boxes, such as the MSRS detection subset at 320x240, on a CPU.

    python experiments/train.py --config=experiments/configs/msrs.py --config.data.root=DIR

DIR holds ir/ vi/ boxes/ classes.txt train.txt val.txt.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config() -> ConfigDict:
    config = default_config()
    config.data.name = "folder"
    config.data.crop = (160, 160)
    config.data.batch_size = 4
    config.semantic.task = "detection"
    config.semantic.width = 16
    config.semantic.channels = 32
    config.semantic.head_convs = 2
    return config
