"""What a detector returns: a prediction at every location, and the boxes that are left of them."""

from typing import TypedDict

from jaxtyping import Array, Float, Int


class DensePredictions(TypedDict):
    """A detector's outputs at its A locations, fine to coarse; all lengths in pixels, boxes as yxyx.

    Attributes:
        logits: class scores before the sigmoid.
        boxes: the box that each location predicts.
        centerness: logits of how central a location is in its box.
        locations: (y, x) of each location.
        strides: distance between neighbouring locations of the same level.
        ranges: a location answers for the boxes whose farthest side is from `ranges[0]` (included) to `ranges[1]`
            (excluded) away from it.
    """

    logits: Float[Array, "b a num_classes"]
    boxes: Float[Array, "b a 4"]
    centerness: Float[Array, "b a"]
    locations: Float[Array, "a 2"]
    strides: Float[Array, " a"]
    ranges: Float[Array, "a 2"]


class Detections(TypedDict):
    """The M best boxes of each image, best first. A place without a box has class -1, score 0 and a box of zeros.

    Attributes:
        boxes: yxyx in pixels; they may reach beyond the image.
        scores: in [0, 1].
        classes: class numbers.
    """

    boxes: Float[Array, "b m 4"]
    scores: Float[Array, "b m"]
    classes: Int[Array, "b m"]
