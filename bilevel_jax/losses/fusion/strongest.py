"""The fused image against the stronger of its two sources at each pixel: the brighter one, the one of more gradient.

Tang, Yuan and Ma, "Image fusion in the loop of high-level vision tasks: a semantic-aware real-time infrared and visible
image fusion network" (SeAFusion), Information Fusion 2022, content loss; so too Tang et al., "PIAFusion: a progressive
infrared and visible image fusion network based on illumination aware", Information Fusion 2022.
"""

import chex
import jax
import jax.numpy as jnp

from bilevel_jax.images.sobel import sobel

Pair = tuple[jax.Array, jax.Array]


def intensity_max(fused: jax.Array, ir: jax.Array, luma: jax.Array) -> Pair:
    """|u - max(x, y_Y)|, summed over all pixels; the normaliser is their number. [B, H, W, 1] each."""
    chex.assert_rank([fused, ir, luma], 4)
    chex.assert_equal_shape([fused, ir, luma])
    return jnp.sum(jnp.abs(fused - jnp.maximum(ir, luma))), jnp.float32(fused.size)


def gradient_max(fused: jax.Array, ir: jax.Array, luma: jax.Array) -> Pair:
    """| |grad u| - max(|grad x|, |grad y_Y|) |, summed over pixels; the normaliser is their number.

    |grad u| = |Sobel right| + |Sobel down|, as the two papers' code has it, at the (H - 2) (W - 2) pixels that have all
    their neighbours: zeros around the image, which that code has, are edges of nothing. In 0 ... 6 for images in
    [0, 1]. [B, H, W, 1] each.
    """
    chex.assert_rank([fused, ir, luma], 4)
    chex.assert_equal_shape([fused, ir, luma])
    strengths = [sum(map(jnp.abs, sobel(image))) for image in (fused, ir, luma)]
    return jnp.sum(jnp.abs(strengths[0] - jnp.maximum(*strengths[1:]))), jnp.float32(strengths[0].size)
