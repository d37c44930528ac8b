"""LLVIP: 15,488 pairs of 1280 x 1024 at night with boxes of people.

    python experiments/train.py --config=experiments/configs/llvip.py --config.data.root=DIR

DIR is the download as it was unpacked (infrared/ visible/ Annotations/), or what prepare.py made of it.

The sizes of the semantic network and the schedule are halfway between msrs.py and paper.py, for one accelerator. Time
and figures: not measured. The reading was tested on a small fixture in exactly this layout, not on the download itself.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config() -> ConfigDict:
    config = default_config()
    config.data.name = "llvip"
    config.data.crop = (512, 512)
    config.fusion.name = "paper"
    config.semantic.task = "detection"
    config.semantic.width = 64
    config.semantic.channels = 128
    config.semantic.stem_stride = 4
    config.warm_start.steps = 2_000
    config.steps = 20_000
    config.rows.steps = 10_000
    config.checkpoint_every = 1_000
    config.sheet_every = 1_000
    return config
