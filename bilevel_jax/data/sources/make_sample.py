"""How decoded files become one sample of a source."""

import numpy as np
from jaxtyping import Float32, Int32, UInt, UInt8

from bilevel_jax.data.annotations.label_maps import IGNORE
from bilevel_jax.data.channels import three_channels
from bilevel_jax.data.sources.source import Sample


def make_sample(
    ir: UInt[np.ndarray, "h w 1"],
    vis: UInt[np.ndarray, "h w c"],
    saliency: UInt8[np.ndarray, "h w 1"],
    labels: Int32[np.ndarray, "h w"] | None,
    boxes: tuple[Float32[np.ndarray, "n 4"], Int32[np.ndarray, " n"]] | None,
    index: int,
) -> Sample:
    """Makes a sample whose arrays are read-only.

    Args:
        ir: infrared image.
        vis: visible image with 1 or 3 channels.
        saliency: 255 m.
        labels: class of every pixel; None = the pair has no label map.
        boxes: (y0, x0, y1, x1) in pixels, and the class of each; None = the pair's boxes are not annotated.
        index: the pair's place in its source.
    """
    # One value that is spread over the whole map takes no memory.
    unlabelled = np.broadcast_to(np.int32(IGNORE), ir.shape[:2])
    found, classes = (np.zeros((0, 4), np.float32), np.zeros(0, np.int32)) if boxes is None else boxes
    sample: Sample = {
        "ir": ir,
        "vis": three_channels(vis),
        "saliency": saliency,
        "labels": unlabelled if labels is None else labels,
        "boxes": found,
        "classes": classes,
        "has_labels": np.bool_(labels is not None),
        "has_boxes": np.bool_(boxes is not None),
        "index": np.int64(index),
    }
    make_read_only(sample)
    return sample


def make_read_only(sample: Sample) -> None:
    """Makes the arrays of a sample read-only, so that several users can share them."""
    for value in sample.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
