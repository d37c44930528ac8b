"""What is left of boxes in a window of their image: clipped, or dropped where too little of an object is seen."""

import numpy as np
from jaxtyping import Float32, Int32

# What is left of an object must be something to recognise: this share of its box's area ...
MIN_AREA_LEFT = 0.25
# ... and this many pixels of each side.
MIN_SIDE_LEFT = 2.0


def clip_boxes(
    boxes: Float32[np.ndarray, "n 4"], classes: Int32[np.ndarray, " n"], height: int, width: int
) -> tuple[Float32[np.ndarray, "m 4"], Int32[np.ndarray, " m"]]:
    """Clips boxes to a window and drops those of which less than a quarter, or less than two pixels of a side, is left.

    A box that lies wholly inside the window stays, however small it is: annotating it was the annotator's choice.

    Args:
        boxes: y0, x0, y1, x1 in pixels of the window, whose first corner is (0, 0).
        classes: the class of each box.
        height: of the window in pixels.
        width: of the window in pixels.

    Returns:
        The boxes that stay, clipped, and their classes.
    """
    if not len(boxes):
        return boxes, classes
    clipped = np.clip(boxes, 0, np.array([height, width, height, width], np.float32))
    sides = clipped[:, 2:] - clipped[:, :2]
    keep = sides.min(axis=-1) >= MIN_SIDE_LEFT
    keep &= _area(clipped) >= MIN_AREA_LEFT * _area(boxes)
    keep |= (clipped == boxes).all(axis=-1)
    return clipped[keep], classes[keep]


def _area(boxes: Float32[np.ndarray, "n 4"]) -> Float32[np.ndarray, " n"]:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
