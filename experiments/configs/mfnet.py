"""MFNet: urban pairs of 640 x 480 by day and night, label maps of nine classes.

    python experiments/train.py --config=experiments/configs/mfnet.py --config.data.root=DIR

DIR is the download as it was unpacked (images/ labels/ train.txt val.txt test.txt), or what prepare.py made of it. The
table is about test.txt. With --config.data.test_split=test_night (or test_day) it is about a part of test.txt. mIoU_all
is the papers' mean over all nine classes, of which `unlabeled` is one.

Network sizes and schedule are halfway between msrs.py and paper.py and need one accelerator. Time and figures: not
measured. Reading was tested on a small copy of this layout, not on the download itself.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config.public_data_set import public_data_set_config


def get_config() -> ConfigDict:
    return public_data_set_config("mfnet", "segmentation", crop=(320, 320), stem_stride=2)
