"""Losses of a fused image. Each returns (sum, normaliser).

`TERMS` holds the terms of the visual task, one a file: a term compares the fused luminance u with the target, with the
sources (infrared x and luminance y_Y of the visible image) or with the visible image's colours. Some terms compare at
labelled boxes alone. `TARGETS` holds the ways to make the target. Sources and targets are in [0, 1]; the fused image is
not clipped.
"""

from bilevel_jax.losses.fusion.color import chroma_change
from bilevel_jax.losses.fusion.contrast import contrast_deficit
from bilevel_jax.losses.fusion.daylight import daylight_deviation
from bilevel_jax.losses.fusion.entropy import entropy_deficit
from bilevel_jax.losses.fusion.gradient_max import gradient_max
from bilevel_jax.losses.fusion.grain import added_grain
from bilevel_jax.losses.fusion.halo import beyond_the_sources
from bilevel_jax.losses.fusion.infrared_l1 import infrared_l1
from bilevel_jax.losses.fusion.intensity_max import intensity_max
from bilevel_jax.losses.fusion.l1 import l1
from bilevel_jax.losses.fusion.mutual_information import mutual_information_loss
from bilevel_jax.losses.fusion.object_contrast import missing_object_contrast
from bilevel_jax.losses.fusion.qabf import edge_loss
from bilevel_jax.losses.fusion.registry import TERMS
from bilevel_jax.losses.fusion.scd import uncorrelated_differences
from bilevel_jax.losses.fusion.sharpness import sharpness_deficit
from bilevel_jax.losses.fusion.ssim import structural_dissimilarity
from bilevel_jax.losses.fusion.ssim_sources import source_dissimilarity
from bilevel_jax.losses.fusion.target import TARGETS, Target, bright_target, saliency_target
from bilevel_jax.losses.fusion.term import Images, Term
from bilevel_jax.losses.fusion.vif import information_loss
from bilevel_jax.losses.fusion.visible_l1 import visible_l1
from bilevel_jax.losses.fusion.white import white_excess

__all__ = [
    "TARGETS",
    "TERMS",
    "Images",
    "Target",
    "Term",
    "added_grain",
    "beyond_the_sources",
    "bright_target",
    "chroma_change",
    "contrast_deficit",
    "daylight_deviation",
    "edge_loss",
    "entropy_deficit",
    "gradient_max",
    "information_loss",
    "infrared_l1",
    "intensity_max",
    "l1",
    "missing_object_contrast",
    "mutual_information_loss",
    "saliency_target",
    "sharpness_deficit",
    "source_dissimilarity",
    "structural_dissimilarity",
    "uncorrelated_differences",
    "visible_l1",
    "white_excess",
]
