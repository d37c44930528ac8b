"""FMB: street pairs of 800 x 600, label maps of fourteen classes and a background.

    python experiments/train.py --config=experiments/configs/fmb.py --config.data.root=DIR

DIR is the download as it was unpacked (train/ test/ with Infrared/ Visible/ Label/), or what prepare.py made of it. The
table has both of the papers' means: mIoU_all over fifteen classes, mIoU_foreground over the fourteen without
background. --config.data.ignore_labels="('background',)" neither learns nor counts the background's pixels.

The sizes of the semantic network and the schedule are halfway between msrs.py and paper.py, for one accelerator. Time
and figures: not measured. The reading was tested on a small fixture in exactly this layout, not on the download itself.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config.public_data_set import public_data_set_config


def get_config() -> ConfigDict:
    return public_data_set_config("fmb", "segmentation", crop=(320, 320), stem_stride=2)
