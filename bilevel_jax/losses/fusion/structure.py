"""Structural similarity of the fused image, to one target or to both sources.

Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural similarity", IEEE TIP
2004, equation 13.
"""

import chex
import jax
import jax.numpy as jnp

from bilevel_jax.images.ssim import ssim

Pair = tuple[jax.Array, jax.Array]


def structural_dissimilarity(fused: jax.Array, target: jax.Array) -> Pair:
    """1 - SSIM, summed over the images; the normaliser is their number. [B, H, W, 1] in [0, 1], sides from 11."""
    chex.assert_equal_shape([fused, target])
    return jnp.sum(1.0 - ssim(fused, target, max_val=1.0)), jnp.float32(fused.shape[0])


def source_dissimilarity(fused: jax.Array, ir: jax.Array, luma: jax.Array) -> Pair:
    """1 - (SSIM(u, x) + SSIM(u, y_Y)) / 2, summed over the images; the normaliser is their number.

    Both sources count the same everywhere. [B, H, W, 1] in [0, 1], sides from 11.
    """
    chex.assert_equal_shape([fused, ir, luma])
    similarity = ssim(fused, ir, max_val=1.0) + ssim(fused, luma, max_val=1.0)
    return jnp.sum(1.0 - similarity / 2), jnp.float32(fused.shape[0])
