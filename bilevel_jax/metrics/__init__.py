"""Measures of fused images, segmentations and detections: pure functions. Tests hold each against published values."""

from bilevel_jax.metrics.coco import coco_json
from bilevel_jax.metrics.detection import coco_ap, voc_ap
from bilevel_jax.metrics.fusion import evaluate, gray_levels
from bilevel_jax.metrics.segmentation import confusion_matrix, scores

__all__ = ["coco_ap", "coco_json", "confusion_matrix", "evaluate", "gray_levels", "scores", "voc_ap"]
