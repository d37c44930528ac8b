"""Measures of fused images, segmentations and detections: pure functions, each tied to a published value."""

from bilevel_jax.metrics.detection import coco_ap, coco_json, voc_ap
from bilevel_jax.metrics.fusion import evaluate, gray_levels
from bilevel_jax.metrics.segmentation import confusion_matrix, scores

__all__ = ["coco_ap", "coco_json", "confusion_matrix", "evaluate", "gray_levels", "scores", "voc_ap"]
