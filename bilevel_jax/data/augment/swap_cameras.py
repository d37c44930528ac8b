"""A pair whose two cameras have changed places."""

import numpy as np

from bilevel_jax.data.sources.source import Sample
from bilevel_jax.images.color import luma


def swap_cameras(sample: Sample) -> Sample:
    """Makes the visible image's luminance the infrared image, and the infrared image a grey visible one.

    The saliency becomes 1 - m. Boxes and labels stay, so a semantic network that learns from the fused image is shown
    such samples too.

    Args:
        sample: a pair; it is not written to. Each image keeps its type, uint8 or uint16, when it moves.
    """
    visible = np.rint(luma(sample["vis"].astype(np.float32))).astype(sample["vis"].dtype)
    grey = np.repeat(sample["ir"], 3, axis=-1)
    return {**sample, "ir": visible, "vis": grey, "saliency": np.uint8(255) - sample["saliency"]}
