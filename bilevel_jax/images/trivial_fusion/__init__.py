"""Fusion without any learning, by name: the rules that a trained network has to beat.

Every rule takes infrared and visible luminance, float [..., H, W, 1] in [0, 1] of one shape, and returns the fused
luminance of that shape, not clipped. NumPy arrays give NumPy arrays; JAX arrays give JAX arrays.
"""

from bilevel_jax.images.trivial_fusion.heat import heat
from bilevel_jax.images.trivial_fusion.heat_detail import heat_detail
from bilevel_jax.images.trivial_fusion.heat_replace import heat_replace
from bilevel_jax.images.trivial_fusion.laplacian import laplacian, laplacian_saliency
from bilevel_jax.images.trivial_fusion.pointwise import average, maximum
from bilevel_jax.images.trivial_fusion.registry import TRIVIAL_METHODS, trivial_method
from bilevel_jax.images.trivial_fusion.rule import FusionRule, TrivialMethod

__all__ = [
    "TRIVIAL_METHODS", "FusionRule", "TrivialMethod", "average", "heat", "heat_detail", "heat_replace", "laplacian",
    "laplacian_saliency", "maximum", "trivial_method",
]  # fmt: skip
