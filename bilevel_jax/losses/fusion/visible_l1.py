"""Visible: absolute difference to the luminance of the visible image.

With a learned loss, the weights of this term and of its counterpart say how much of each source a place keeps, as the
intensity term of Bai et al., "Task-driven image fusion with learnable fusion loss" (TDFusion), CVPR 2025, does.
"""

from jax import Array
from jaxtyping import Float

from bilevel_jax.losses.fusion.l1 import difference, l1
from bilevel_jax.losses.fusion.term import Images, Term
from bilevel_jax.losses.pair import Pair


def visible_l1(fused: Float[Array, "b h w 1"], images: Images) -> Pair:
    """|u - y_Y|, summed over all pixels; the normaliser is the number of pixels."""
    return l1(fused, images.luminance)


TERM = Term(
    "visible_l1",
    visible_l1,
    "weight of the absolute difference to the luminance of the visible image",
    pixels=lambda fused, images: difference(fused, images.luminance),
)
