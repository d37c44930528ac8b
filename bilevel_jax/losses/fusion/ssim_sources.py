"""SSIM to both sources: structural dissimilarity without a target.

Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural similarity", IEEE TIP
2004, equation 13.
"""

import chex
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.images.ssim import WINDOW_SIZE, ssim
from bilevel_jax.losses.fusion.term import Term, to_sources
from bilevel_jax.losses.pair import Pair


def source_dissimilarity(
    fused: Float[Array, "b h w 1"], infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]
) -> Pair:
    """1 - (SSIM(u, x) + SSIM(u, y_Y)) / 2, in [0, 2], summed over the images; the normaliser is the number of images.

    Both sources have the same weight at every pixel.

    Args:
        fused: fused luminance u; it may leave [0, 1].
        infrared: x, in [0, 1].
        luminance: y_Y of the visible image, in [0, 1].

    Raises:
        ValueError: a side is under 11 pixels.
    """
    chex.assert_equal_shape([fused, infrared, luminance])
    similarity = ssim(fused, infrared, max_val=1.0) + ssim(fused, luminance, max_val=1.0)
    return jnp.sum(1.0 - similarity / 2), jnp.float32(fused.shape[0])


TERM = Term(
    "ssim_sources",
    to_sources(source_dissimilarity),
    "weight of 1 - SSIM to the two sources, half each",
    least_side=WINDOW_SIZE,
    of_measure=True,
)
