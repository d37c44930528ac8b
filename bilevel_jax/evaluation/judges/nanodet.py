"""NanoDet: the distances to the four sides are distributions over whole strides.

https://github.com/RangiLyu/nanodet; the distributions are those of Li et al., "Generalized focal loss", NeurIPS 2020.
"""

import re
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32, UInt

from bilevel_jax.boxes.coco_classes import COCO_CLASSES
from bilevel_jax.evaluation.judges.letterbox import Placement, letterbox
from bilevel_jax.evaluation.judges.make import DenseBoxes, DetectorMake, channels_first, grid
from bilevel_jax.evaluation.judges.onnx_session import Signature

MEAN_BGR = np.array([103.53, 116.28, 123.675], np.float32)
STD_BGR = np.array([57.375, 57.12, 58.395], np.float32)
_CLASSES = re.compile(r"cls_pred_stride_(\d+)")


class NanoDet(DetectorMake):
    """The ONNX files of NanoDet: for each stride S the outputs `cls_pred_stride_S` and `dis_pred_stride_S`."""

    name = "nanodet"
    about = "NanoDet by RangiLyu, COCO; the outputs cls_pred_stride_S and dis_pred_stride_S for each stride S"
    score_threshold = 0.05
    nms_iou = 0.6

    def fits(self, signature: Signature) -> bool:
        if signature.fixed_size() is None or not (found := _strides(signature.outputs)):
            return False
        shapes = [signature.outputs.get(f"dis_pred_stride_{stride}", ()) for stride in found]
        classes = [signature.outputs[f"cls_pred_stride_{stride}"] for stride in found]
        return all(len(shape) == 3 and shape[2] and shape[2] % 4 == 0 for shape in shapes) and all(
            len(shape) == 3 and shape[2] == len(COCO_CLASSES) for shape in classes
        )

    def prepare(
        self, image: UInt[np.ndarray, "h w 3"], height: int, width: int
    ) -> tuple[Float32[np.ndarray, "1 3 height width"], Placement]:
        boxed, placement = letterbox(image, height, width, fill=0, centred=True)
        levels = channels_first(boxed)
        return (levels - MEAN_BGR[:, None, None]) / STD_BGR[:, None, None], placement

    def decode(self, outputs: Mapping[str, np.ndarray], height: int, width: int) -> DenseBoxes:
        boxes, scores = [], []
        for stride in _strides(outputs):
            distances = outputs[f"dis_pred_stride_{stride}"][0]
            logits = distances.reshape(len(distances), 4, -1)
            share = np.exp(logits - logits.max(axis=-1, keepdims=True))
            share /= share.sum(axis=-1, keepdims=True)
            left, top, right, bottom = (share @ np.arange(share.shape[-1], dtype=np.float32) * stride).T
            y, x = (grid(height, width, stride) * stride + (stride - 1) / 2).T
            boxes.append(np.stack([y - top, x - left, y + bottom, x + right], axis=1))
            scores.append(outputs[f"cls_pred_stride_{stride}"][0])
        return DenseBoxes(np.concatenate(boxes), np.concatenate(scores))


def _strides(names: Mapping[str, object]) -> list[int]:
    return sorted(int(match[1]) for name in names if (match := _CLASSES.fullmatch(name)))
