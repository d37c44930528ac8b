"""MSRS at its full 640 x 480: street pairs by day and night, label maps of nine classes.

    python experiments/train.py --config=experiments/configs/msrs_full.py --config.data.root=DIR

DIR is the download as it was unpacked (train/ test/ [detection/]), or what prepare.py made of it. The infrared images
are dim, so the target is `bright` with a gain of 2, as in msrs.py, where real pairs were looked at.

Network sizes and schedule are halfway between msrs.py and paper.py and need one accelerator. Time and figures: not
measured. Reading was tested on a small copy of this layout, not on the download itself.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config.public_data_set import public_data_set_config


def get_config() -> ConfigDict:
    config = public_data_set_config("msrs", "segmentation", crop=(320, 320), stem_stride=2)
    config.visual.target = "bright"
    config.visual.infrared_gain = 2.0
    config.visual.saliency_blur = 2.0
    return config
