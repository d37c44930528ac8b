"""The host batch: samples of one size, stacked."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64, UInt, UInt8

from bilevel_jax.data.bit_depth import same_depth
from bilevel_jax.data.sources.source import Sample


class Batch(TypedDict):
    """Samples side by side, as numpy arrays on the host; `Sample` describes the keys.

    Keys:
        ir: infrared images, uint8, or uint16 where an image of the batch is.
        vis: visible images, RGB, uint8, or uint16 where an image of the batch is.
        saliency: 255 m.
        labels: class of every pixel, 255 = ignore.
        boxes: y0, x0, y1, x1 in pixels, 0 in a slot without a box.
        classes: class of every box, -1 in a slot without a box.
        has_labels, has_boxes: which samples are annotated.
        index: each sample's place in its source, for messages; -1 for a sample that only fills up a batch.
        known_classes: which box classes are annotated. Without the key, as where no data set is partial, all are.
    """

    ir: UInt[np.ndarray, "b h w 1"]
    vis: UInt[np.ndarray, "b h w 3"]
    saliency: UInt8[np.ndarray, "b h w 1"]
    labels: Int32[np.ndarray, "b h w"]
    boxes: Float32[np.ndarray, "b n 4"]
    classes: Int32[np.ndarray, "b n"]
    has_labels: Bool[np.ndarray, " b"]
    has_boxes: Bool[np.ndarray, " b"]
    index: Int64[np.ndarray, " b"]
    known_classes: NotRequired[Bool[np.ndarray, "b k"]]


class WholeImageBatch(Batch):
    """Whole images, padded below and to the right to one size.

    Keys:
        size: the height and the width of each image without its padding, in pixels.
    """

    size: Int32[np.ndarray, "b 2"]


def stack_samples(samples: Sequence[Sample]) -> Batch:
    """Stacks samples whose arrays have one size. Where uint8 and uint16 images meet, all become uint16."""
    batch: Batch = {
        "ir": np.stack(same_depth([sample["ir"] for sample in samples])),
        "vis": np.stack(same_depth([sample["vis"] for sample in samples])),
        "saliency": np.stack([sample["saliency"] for sample in samples]),
        "labels": np.stack([sample["labels"] for sample in samples]),
        "boxes": np.stack([sample["boxes"] for sample in samples]),
        "classes": np.stack([sample["classes"] for sample in samples]),
        "has_labels": np.stack([sample["has_labels"] for sample in samples]),
        "has_boxes": np.stack([sample["has_boxes"] for sample in samples]),
        "index": np.stack([sample["index"] for sample in samples]),
    }
    if "known_classes" in samples[0]:
        batch["known_classes"] = np.stack([sample["known_classes"] for sample in samples])
    return batch
