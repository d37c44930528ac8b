"""A detector that learns from 240 pairs of 320x240 on a CPU: what inputs and fused images are compared with.

    python experiments/downstream.py --config=experiments/configs/msrs_detector.py:pretrain --data=DIR \\
        --inputs=ir,vi,average,max,laplacian --matched --seeds=0 --save=START.safetensors --out=DIR
    python experiments/downstream.py --config=experiments/configs/msrs_detector.py --data=DIR \\
        --inputs=ir,vi,average,max,laplacian,ours --workdir=RUN --init=START.safetensors --out=DIR

The first trains one detector on all inputs mixed, the second each input's own from there, with the same budget.
People of MSRS are 13 pixels at the median (the root of the box's area, at 320x240), 9 at the lower quartile: the finest
level must be fine.

TIMES
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config(stage: str = "rows") -> ConfigDict:
    config = default_config()
    config.data.name = "folder"
    config.data.crop = (240, 320)
    config.semantic.task = "detection"
    config.semantic.width = 16
    config.semantic.channels = 32
    config.semantic.head_convs = 1
    config.semantic.stem_stride = 2  # locations every 4 pixels
    config.rows.clip_norm = 5.0
    config.rows.warm_up_steps = 50
    return config
