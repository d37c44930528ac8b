"""Color: chroma of the visible image that is lost when the fused luminance is coloured."""

import chex
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.images.color import fuse_color, rgb_to_ycbcr
from bilevel_jax.losses.fusion.term import Term, to_colors
from bilevel_jax.losses.pair import Pair


def chroma_change(fused: Float[Array, "b h w 1"], visible: Float[Array, "b h w 3"]) -> Pair:
    """|Cb - y_Cb| + |Cr - y_Cr| of the coloured fused image, summed over pixels; the normaliser is twice their number.

    The coloured image is (u, y_Cb, y_Cr) as RGB, clipped to [0, 1]. Only the clipping changes its chroma, so the loss
    grows where u is too bright or too dark for the colour. The gradient is 0 at pixels where all three channels are
    clipped.

    Args:
        fused: fused luminance u; it may leave [0, 1].
        visible: RGB, in [0, 1].
    """
    chex.assert_rank([fused, visible], 4)
    chex.assert_equal_shape_prefix([fused, visible], 3)
    chroma = rgb_to_ycbcr(fuse_color(fused, visible))[..., 1:]
    change = jnp.abs(chroma - rgb_to_ycbcr(visible)[..., 1:])
    return jnp.sum(change), jnp.float32(change.size)


TERM = Term(
    "color",
    to_colors(chroma_change),
    "weight of the chroma that clipping takes from the fused image in the colour `chroma`, whatever fusion.color is",
)
