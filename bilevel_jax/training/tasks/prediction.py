"""What a semantic network finds in one image: boxes with scores, or a label map."""

from typing import TypedDict

import numpy as np
from jaxtyping import Int

from bilevel_jax.metrics.coco import Detections


class LabelPrediction(TypedDict):
    """The label map that a segmentation network finds for one image.

    Keys:
        labels: the class number of every pixel.
    """

    labels: Int[np.ndarray, "h w"]


BoxPrediction = Detections  # best first
Prediction = BoxPrediction | LabelPrediction
