"""M3FD: 4,200 pairs of 1024 x 768 with boxes of six classes.

    python experiments/train.py --config=experiments/configs/m3fd.py --config.data.root=DIR

DIR is the download as it was unpacked (Ir/ Vis/ Annotation/), or what prepare.py made of it. No split is published.
Without lists, a fifth of the pairs is test and a fifth of the rest is val, in contiguous blocks. The split is the same
for everyone (seed 0); its lists of train and test are beside the prepared data.

Network sizes and schedule are halfway between msrs.py and paper.py and need one accelerator. Time and figures: not
measured. Reading was tested on a small copy of this layout, not on the download itself.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config.public_data_set import public_data_set_config


def get_config() -> ConfigDict:
    return public_data_set_config("m3fd", "detection", crop=(384, 384), stem_stride=4)
