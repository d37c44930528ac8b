"""Measures of fusion quality, computed from a fused image and its two sources: those of fusion papers and of VIFB.

`evaluate` takes the pixels of files and returns a table's row. The measures themselves are pure JAX functions of float
images [H, W] or [H, W, C] in 0-255 (the mean over the channels; a one-channel image serves every channel). They work
under jit, vmap and grad, in the float type of the images. With `size` they ignore padding, so that one compilation
serves many sizes; see extent.py.

Papers print one name for several quantities. The definitions here reproduce published values, and each docstring says
which quantity it is. `FAMILIES` is the registry: one measure (and its variant in VIFB) a file.
"""

from bilevel_jax.metrics.fusion.ag import average_gradient
from bilevel_jax.metrics.fusion.cc import correlation_coefficient
from bilevel_jax.metrics.fusion.cross_entropy import cross_entropy
from bilevel_jax.metrics.fusion.edge_intensity import edge_intensity
from bilevel_jax.metrics.fusion.entropy import entropy
from bilevel_jax.metrics.fusion.evaluate import evaluate, padded_side
from bilevel_jax.metrics.fusion.measure import Measure
from bilevel_jax.metrics.fusion.ms_ssim import multiscale_structural_similarity
from bilevel_jax.metrics.fusion.mutual_information import mutual_information, vifb_mutual_information
from bilevel_jax.metrics.fusion.nabf import fusion_artifacts
from bilevel_jax.metrics.fusion.pixels import channel_values, gray_levels
from bilevel_jax.metrics.fusion.psnr import peak_signal_to_noise, vifb_psnr
from bilevel_jax.metrics.fusion.qabf import edge_preservation
from bilevel_jax.metrics.fusion.qcb import chen_blum
from bilevel_jax.metrics.fusion.qcv import chen_varshney
from bilevel_jax.metrics.fusion.registry import CHOOSABLE, FAMILIES, NINE
from bilevel_jax.metrics.fusion.rmse import vifb_rmse
from bilevel_jax.metrics.fusion.scd import sum_of_correlations_of_differences
from bilevel_jax.metrics.fusion.sd import standard_deviation
from bilevel_jax.metrics.fusion.sf import spatial_frequency, vifb_spatial_frequency
from bilevel_jax.metrics.fusion.ssim import structural_similarity
from bilevel_jax.metrics.fusion.undefined import why_undefined
from bilevel_jax.metrics.fusion.vif import visual_information_fidelity

__all__ = [
    "CHOOSABLE",
    "FAMILIES",
    "NINE",
    "Measure",
    "average_gradient",
    "channel_values",
    "chen_blum",
    "chen_varshney",
    "correlation_coefficient",
    "cross_entropy",
    "edge_intensity",
    "edge_preservation",
    "entropy",
    "evaluate",
    "fusion_artifacts",
    "gray_levels",
    "multiscale_structural_similarity",
    "mutual_information",
    "padded_side",
    "peak_signal_to_noise",
    "spatial_frequency",
    "standard_deviation",
    "structural_similarity",
    "sum_of_correlations_of_differences",
    "vifb_mutual_information",
    "vifb_psnr",
    "vifb_rmse",
    "vifb_spatial_frequency",
    "visual_information_fidelity",
    "why_undefined",
]
