"""Non-maximum suppression in NumPy, for lists of any length that are not compiled."""

import numpy as np
from jaxtyping import Float, Int


def overlaps(box: Float[np.ndarray, "4"], others: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, " n"]:
    """Returns the intersection over union, in [0, 1], of one yxyx box with each of the others."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    inner = np.prod(np.maximum(sides, 0), axis=-1)
    outer = np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], axis=-1) - inner
    return inner / np.maximum(outer, np.finfo(np.float64).tiny)


def greedy_nms(
    boxes: Float[np.ndarray, "n 4"], scores: Float[np.ndarray, " n"], iou_threshold: float
) -> Int[np.ndarray, " kept"]:
    """Returns the indices of the boxes to keep, best first.

    A box is dropped where it overlaps a kept box of a higher score by more than `iou_threshold`. Boxes of equal scores
    are taken in their order.

    Args:
        boxes: yxyx in pixels, all of one class.
        scores: higher is better.
        iou_threshold: intersection over union, in [0, 1].
    """
    boxes = boxes.astype(np.float64)
    left = np.argsort(-scores, kind="stable")
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        left = left[overlaps(boxes[best], boxes[left]) <= iou_threshold]
    return np.array(kept, np.int64)
