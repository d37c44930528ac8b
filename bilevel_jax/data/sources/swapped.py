"""A pair whose two cameras have changed places."""

from typing import Any

import numpy as np

from bilevel_jax.images.color import luma


def swap_cameras(record: dict[str, Any]) -> dict[str, Any]:
    """The luminance of the visible image as infrared, the infrared image as a grey visible one, 1 - m as saliency.

    Boxes and labels stay: a semantic network that learns from the fused image is shown such samples too.

    Args:
        record: `ir` [H, W, 1] and `vis` [H, W, 3], uint8 or uint16, each of whose types goes along; `saliency` uint8.

    Returns:
        A new record; the given one is not written to.
    """
    visible = np.rint(luma(record["vis"].astype(np.float32))).astype(record["vis"].dtype)
    grey = np.repeat(record["ir"], 3, axis=-1)
    return record | {"ir": visible, "vis": grey, "saliency": np.uint8(255) - record["saliency"]}
