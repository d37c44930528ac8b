"""How good a fused image is, told from itself and its two sources: the measures of fusion papers and of VIFB.

`evaluate` takes files' pixels and gives a table's row. The measures themselves are pure JAX functions of float images
[H, W] or [H, W, C] in 0-255 (the mean over the channels): they work under jit, vmap and grad, in the float type that
they are given. With `size` they ignore padding, so that one compilation serves many sizes; see extent.py.

Definitions are those that reproduce published values; where papers print one name for several quantities, the docstring
says which one this is.
"""

from bilevel_jax.metrics.fusion.contrast import (
    average_gradient,
    edge_intensity,
    spatial_frequency,
    standard_deviation,
    vifb_spatial_frequency,
)
from bilevel_jax.metrics.fusion.correlation import correlation_coefficient, sum_of_correlations_of_differences
from bilevel_jax.metrics.fusion.edges import edge_preservation, fusion_artifacts
from bilevel_jax.metrics.fusion.error import peak_signal_to_noise, vifb_psnr, vifb_rmse
from bilevel_jax.metrics.fusion.families import FAMILIES, NINE, Measure
from bilevel_jax.metrics.fusion.fidelity import visual_information_fidelity
from bilevel_jax.metrics.fusion.front_door import evaluate, padded_side
from bilevel_jax.metrics.fusion.histograms import (
    cross_entropy,
    entropy,
    mutual_information,
    vifb_mutual_information,
)
from bilevel_jax.metrics.fusion.pixels import channel_values, gray_levels
from bilevel_jax.metrics.fusion.qcb import chen_blum
from bilevel_jax.metrics.fusion.qcv import chen_varshney
from bilevel_jax.metrics.fusion.similarity import multiscale_structural_similarity, structural_similarity
from bilevel_jax.metrics.fusion.undefined import why_undefined

__all__ = [
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
