"""Room for boxes in a batch: how many slots it has, and the padding of the slots without a box.

A batch has as many slots as the fullest sample needs, so no box is ever dropped.
"""

import numpy as np

from bilevel_jax.data.sources.source import Sample, Source


def box_slots(most: int, multiple: int) -> int:
    """Returns N of a batch's `boxes` [B, N, 4].

    Args:
        most: the number of boxes of the fullest sample.
        multiple: N is the next multiple of this, and at least this once.
    """
    return max(1, -(-most // multiple)) * multiple


def training_slots(source: Source, multiple: int, pairs: int = 1) -> int:
    """Returns N for all batches of a source.

    Args:
        source: whose pairs the samples show.
        multiple: N is the next multiple of this.
        pairs: how many pairs one sample may show, 4 with mosaics.
    """
    return box_slots(source.most_boxes() * pairs, multiple)


def pad_boxes(sample: Sample, slots: int) -> Sample:
    """Pads `boxes` to [slots, 4] with 0 and `classes` to [slots] with -1; ValueError where there are more boxes."""
    boxes, classes = sample["boxes"], sample["classes"]
    if len(boxes) > slots:
        raise ValueError(f"{len(boxes)} boxes for {slots} slots")
    padded_boxes, padded_classes = np.zeros((slots, 4), np.float32), np.full(slots, -1, np.int32)
    padded_boxes[: len(boxes)], padded_classes[: len(boxes)] = boxes, classes
    return {**sample, "boxes": padded_boxes, "classes": padded_classes}
