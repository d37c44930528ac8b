"""Losses of a fused image, each as a (sum, normaliser) pair: against one target, or against both sources.

`TARGETS` are the targets of `l1` and `structural_dissimilarity`. `SOURCE_TERMS` are (fused u, infrared x, luminance of
the visible image y_Y) -> pair, [B, H, W, 1] each, the sources in [0, 1], the fused image not clipped. `chroma_change`
takes the visible image's colours.

Value and gradient of 8 images of 128 x 128 in ms, least of 40 on one of 2 cores of a busy server CPU (2026-11-22):
l1 0.2, ssim 6.5, intensity_max 0.3, gradient_max 0.8, ssim_sources 17, vif 22, qabf 13, scd 0.9, contrast 6.1, chroma
1.5; all of those to both sources at once 92. Not timed: mutual_information, entropy, sharpness.
"""

from bilevel_jax.losses.fusion.chroma import chroma_change
from bilevel_jax.losses.fusion.contrast import contrast_deficit
from bilevel_jax.losses.fusion.correlation import uncorrelated_differences
from bilevel_jax.losses.fusion.edges import edge_loss
from bilevel_jax.losses.fusion.fidelity import LEAST_SIDE, information_loss
from bilevel_jax.losses.fusion.information import entropy_deficit, mutual_information_loss
from bilevel_jax.losses.fusion.sharpness import sharpness_deficit
from bilevel_jax.losses.fusion.strongest import gradient_max, intensity_max
from bilevel_jax.losses.fusion.structure import source_dissimilarity, structural_dissimilarity
from bilevel_jax.losses.fusion.target import TARGETS, bright_target, l1, saliency_target

SOURCE_TERMS = {
    "intensity_max": intensity_max,
    "gradient_max": gradient_max,
    "ssim_sources": source_dissimilarity,
    "vif": information_loss,
    "qabf": edge_loss,
    "scd": uncorrelated_differences,
    "contrast": contrast_deficit,
    "mutual_information": mutual_information_loss,
    "entropy": entropy_deficit,
    "sharpness": sharpness_deficit,
}

__all__ = [
    "LEAST_SIDE",
    "SOURCE_TERMS",
    "TARGETS",
    "bright_target",
    "chroma_change",
    "contrast_deficit",
    "edge_loss",
    "entropy_deficit",
    "gradient_max",
    "information_loss",
    "intensity_max",
    "l1",
    "mutual_information_loss",
    "saliency_target",
    "sharpness_deficit",
    "source_dissimilarity",
    "structural_dissimilarity",
    "uncorrelated_differences",
]
