"""What colouring the fused luminance does to the visible image's colours."""

import chex
import jax
import jax.numpy as jnp

from bilevel_jax.images.color import fuse_color, rgb_to_ycbcr


def chroma_change(fused: jax.Array, visible: jax.Array) -> tuple[jax.Array, jax.Array]:
    """|Cb - y_Cb| + |Cr - y_Cr| of the coloured fused image, summed over pixels; the normaliser is twice their number.

    The coloured image is (u, y_Cb, y_Cr) as RGB clipped to [0, 1]; without clipping its chroma is the visible image's,
    and the term is 0. It grows where u is too bright or too dark for the colour to be kept. Where all three channels of
    a pixel are clipped it has no gradient.

    Args:
        fused: luminance u, [B, H, W, 1]; it may leave [0, 1].
        visible: RGB, [B, H, W, 3] in [0, 1].
    """
    chex.assert_rank([fused, visible], 4)
    chex.assert_equal_shape_prefix([fused, visible], 3)
    chroma = rgb_to_ycbcr(fuse_color(fused, visible))[..., 1:]
    change = jnp.abs(chroma - rgb_to_ycbcr(visible)[..., 1:])
    return jnp.sum(change), jnp.float32(change.size)
