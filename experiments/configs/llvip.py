"""LLVIP: 15,488 pairs of 1280 x 1024 at night with boxes of people.

    python experiments/train.py --config=experiments/configs/llvip.py --config.data.root=DIR

DIR is the download as it was unpacked (infrared/ visible/ Annotations/), or what prepare.py made of it.

Network sizes and schedule are halfway between msrs.py and paper.py and need one accelerator. Time and figures: not
measured. Reading was tested on a small copy of this layout, not on the download itself.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config.public_data_set import public_data_set_config


def get_config() -> ConfigDict:
    return public_data_set_config("llvip", "detection", crop=(512, 512), stem_stride=4)
