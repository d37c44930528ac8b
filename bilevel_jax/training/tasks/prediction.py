"""What a semantic network finds in an image."""

from typing import TypedDict

import numpy as np
from jaxtyping import Float, Int


class BoxPrediction(TypedDict):
    """The boxes that a detector finds in one image, best first.

    Keys:
        boxes: y0, x0, y1, x1 in pixels.
        scores: in [0, 1].
        classes: class numbers.
    """

    boxes: Float[np.ndarray, "n 4"]
    scores: Float[np.ndarray, " n"]
    classes: Int[np.ndarray, " n"]


class LabelPrediction(TypedDict):
    """The label map that a segmentation network finds for one image.

    Keys:
        labels: the class number of every pixel.
    """

    labels: Int[np.ndarray, "h w"]


Prediction = BoxPrediction | LabelPrediction
