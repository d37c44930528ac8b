"""What every make of detector says about itself: how its files are recognised, fed and read."""

import abc
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, UInt

from bilevel_jax.evaluation.judges.letterbox import Placement
from bilevel_jax.evaluation.judges.onnx_session import Signature


class DenseBoxes(NamedTuple):
    """What a detector says at each of its locations, before any box is thrown away.

    Attributes:
        boxes: yxyx in pixels; they may reach beyond the image.
        scores: in [0, 1], one for each class of COCO.
    """

    boxes: Float[np.ndarray, "n 4"]
    scores: Float[np.ndarray, "n classes"]


class DetectorMake(abc.ABC):
    """A make of one-stage detector.

    Attributes:
        name: for messages and files.
        about: who publishes it, one clause.
        score_threshold: least score of a box, as published for its evaluation on COCO.
        nms_iou: overlap beyond which the worse of two boxes is dropped, as published for its evaluation on COCO.
    """

    name: str
    about: str
    score_threshold: float
    nms_iou: float

    @abc.abstractmethod
    def fits(self, signature: Signature) -> bool:
        """Returns whether a file with these inputs and outputs is of this make."""

    @abc.abstractmethod
    def prepare(
        self, image: UInt[np.ndarray, "h w 3"], height: int, width: int
    ) -> tuple[Float32[np.ndarray, "1 3 height width"], Placement]:
        """Returns the input for an RGB image, and where the image lies in it.

        Args:
            image: uint8 or uint16.
            height, width: of the input in pixels.
        """

    @abc.abstractmethod
    def decode(self, outputs: Mapping[str, np.ndarray], height: int, width: int) -> DenseBoxes:
        """Returns the boxes, in pixels of the input, and the scores at all locations.

        Args:
            outputs: the network's, by name.
            height, width: of the input in pixels.
        """


def grid(height: int, width: int, stride: int) -> Float32[np.ndarray, "n 2"]:
    """Returns (row, column) of every cell of one level, row by row."""
    rows, columns = -(-height // stride), -(-width // stride)
    return np.argwhere(np.ones((rows, columns))).astype(np.float32)


def channels_first(image: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "1 3 h w"]:
    """Returns an RGB image as BGR with the channels first, the order of both OpenCV and its detectors."""
    return np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1)[None])
