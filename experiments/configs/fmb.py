"""FMB: street pairs of 800 x 600, label maps of fourteen classes and a background.

    python experiments/train.py --config=experiments/configs/fmb.py --config.data.root=DIR

DIR is the download as it was unpacked (train/ test/ with Infrared/ Visible/ Label/), or what prepare.py made of it.
Papers report two means, and the table has both: mIoU_all over fifteen classes, and mIoU_foreground over the fourteen
without the background. With --config.data.ignore_labels="('background',)" the background is neither learnt nor counted.

Network sizes and schedule are halfway between msrs.py and paper.py and need one accelerator. Time and figures: not
measured. Reading was tested on a small copy of this layout, not on the download itself.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config.public_data_set import public_data_set_config


def get_config() -> ConfigDict:
    return public_data_set_config("fmb", "segmentation", crop=(320, 320), stem_stride=2)
