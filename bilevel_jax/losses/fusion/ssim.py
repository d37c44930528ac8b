"""SSIM: structural dissimilarity to the target.

Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural similarity", IEEE TIP
2004, equation 13. Weight 1.1: Liu et al., IJCAI 2023.
"""

import chex
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.images.ssim import WINDOW_SIZE, ssim
from bilevel_jax.losses.fusion.term import Term, to_target
from bilevel_jax.losses.pair import Pair


def structural_dissimilarity(fused: Float[Array, "b h w 1"], target: Float[Array, "b h w 1"]) -> Pair:
    """1 - SSIM(u, t), in [0, 2], summed over the images; the normaliser is the number of images.

    Args:
        fused: fused luminance u; it may leave [0, 1].
        target: in [0, 1].

    Raises:
        ValueError: a side is under 11 pixels.
    """
    chex.assert_equal_shape([fused, target])
    return jnp.sum(1.0 - ssim(fused, target, max_val=1.0)), jnp.float32(fused.shape[0])


TERM = Term(
    "ssim",
    to_target(structural_dissimilarity),
    "weight of 1 - SSIM to the target",
    default=1.1,
    least_side=WINDOW_SIZE,
)
