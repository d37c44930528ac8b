"""YOLOX: anchor-free boxes, objectness times class. Ge et al., "YOLOX: Exceeding YOLO series in 2021", 2021."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32, UInt

from bilevel_jax.boxes.coco_classes import COCO_CLASSES
from bilevel_jax.evaluation.judges.letterbox import Placement, letterbox
from bilevel_jax.evaluation.judges.make import DenseBoxes, DetectorMake, channels_first, grid
from bilevel_jax.evaluation.judges.onnx_session import Signature

STRIDES = (8, 16, 32)
FILL = 114  # grey


class Yolox(DetectorMake):
    """The ONNX files of Megvii's YOLOX, exported without decoding: one output [1, locations, 85]."""

    name = "yolox"
    about = "YOLOX by Megvii, COCO; one output [1, locations, 85], not decoded"
    score_threshold = 0.01
    nms_iou = 0.65

    def fits(self, signature: Signature) -> bool:
        size = signature.fixed_size()
        if size is None or len(signature.outputs) != 1:
            return False
        locations = sum(len(grid(size[0], size[1], stride)) for stride in STRIDES)
        [shape] = signature.outputs.values()
        return len(shape) == 3 and shape[1] in (locations, None) and shape[2] == 5 + len(COCO_CLASSES)

    def prepare(
        self, image: UInt[np.ndarray, "h w 3"], height: int, width: int
    ) -> tuple[Float32[np.ndarray, "1 3 height width"], Placement]:
        boxed, placement = letterbox(image, height, width, fill=FILL, centred=False)
        return channels_first(boxed), placement

    def decode(self, outputs: Mapping[str, np.ndarray], height: int, width: int) -> DenseBoxes:
        [output] = outputs.values()
        found = output[0]
        cells = np.concatenate([grid(height, width, stride) for stride in STRIDES])
        strides = np.concatenate([np.full((len(grid(height, width, s)), 1), s, np.float32) for s in STRIDES])
        centre = (found[:, 1::-1] + cells) * strides  # x, y in the file; y, x here
        half = np.exp(found[:, 3:1:-1]) * strides / 2
        return DenseBoxes(np.concatenate([centre - half, centre + half], axis=1), found[:, 4:5] * found[:, 5:])
