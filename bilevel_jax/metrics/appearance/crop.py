"""Crop: whether a part of the scene looks the same when it is fused alone."""

import numpy as np

from bilevel_jax.metrics.appearance.measure import UNDEFINED, Measure, Observations
from bilevel_jax.metrics.appearance.pair import FusedPair
from bilevel_jax.metrics.appearance.rim import inside


def crop(pair: FusedPair) -> Observations:
    """Mean |difference| between fusing the middle half and cutting it out of the whole's result, in levels of 255.

    The half has half the height and half the width. Its rim of 32 pixels is left out. Lower is better; a rule that
    looks at most 32 pixels far has 0. A fuser that measures an exposure gets the one of the whole pair for the half
    too: the two are pictures of one rig, which has one exposure.
    """
    height, width = pair.infrared.shape
    within = inside(height // 2, width // 2)
    if pair.fuse is None or within is None:
        return UNDEFINED
    middle = np.s_[height // 4 : height // 4 + height // 2, width // 4 : width // 4 + width // 2]
    whole = pair.fused_again[middle].astype(np.float64)
    infrared, visible = (np.ascontiguousarray(image[middle]) for image in pair.eight_bit)
    alone = pair.fuse_part(infrared, visible)
    return np.array([np.abs(alone - whole)[within].mean()])


MEASURES = (
    Measure(
        "crop",
        crop,
        "mean |difference| between fusing the middle half and cutting it out of the whole's result, without its rim of "
        "32 pixels",
        "down",
        "folders of images, sides under 130 pixels",
        unit="levels",
    ),
)
