"""Measures of fused images, segmentations and detections: pure functions, each tied to a published value."""

from bilevel_jax.metrics.fusion import evaluate, gray_levels

__all__ = ["evaluate", "gray_levels"]
