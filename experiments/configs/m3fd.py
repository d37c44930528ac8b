"""M3FD: 4,200 pairs of 1024 x 768 with boxes of six classes.

    python experiments/train.py --config=experiments/configs/m3fd.py --config.data.root=DIR

DIR is the download as it was unpacked (Ir/ Vis/ Annotation/), or what prepare.py made of it. No split is published:
without lists a fifth is test, in contiguous blocks, the same for everyone (seed 0), and a fifth of the rest val; the
lists of train and test stand beside the prepared data.

The sizes of the semantic network and the schedule are halfway between msrs.py and paper.py, for one accelerator. Time
and figures: not measured. The reading was tested on a small fixture in exactly this layout, not on the download itself.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config.public_data_set import public_data_set_config


def get_config() -> ConfigDict:
    return public_data_set_config("m3fd", "detection", crop=(384, 384), stem_stride=4)
