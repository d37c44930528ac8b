"""Gradient: difference in edge strength to the source with the stronger edge at each pixel.

Tang, Yuan and Ma, "Image fusion in the loop of high-level vision tasks: a semantic-aware real-time infrared and visible
image fusion network" (SeAFusion), Information Fusion 2022, content loss. Also in Tang et al., "PIAFusion: a progressive
infrared and visible image fusion network based on illumination aware", Information Fusion 2022.
"""

import chex
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.images.sobel import sobel
from bilevel_jax.losses.fusion.term import Images, Term, to_sources
from bilevel_jax.losses.pair import Pair


def gradient_max(
    fused: Float[Array, "b h w 1"], infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]
) -> Pair:
    """| |grad u| - max(|grad x|, |grad y_Y|) |, in 0 ... 6 a pixel, summed; the normaliser is the number of pixels.

    |grad u| = |Sobel to the right| + |Sobel downwards|, as in the code of both papers. Only the (H - 2) (W - 2) pixels
    with all their neighbours count: the zeros that the papers' code puts around the image would add false edges.

    Args:
        fused: fused luminance u; it may leave [0, 1].
        infrared: x, in [0, 1].
        luminance: y_Y of the visible image, in [0, 1].
    """
    chex.assert_rank([fused, infrared, luminance], 4)
    chex.assert_equal_shape([fused, infrared, luminance])
    differences = _differences(fused, infrared, luminance)
    return jnp.sum(differences), jnp.float32(differences.size)


def gradient_max_at_pixels(fused: Float[Array, "b h w 1"], images: Images) -> Float[Array, "b h w 1"]:
    """The same difference at each pixel, times H W / ((H - 2) (W - 2)); 0 along the border, where it has no value."""
    differences = _differences(fused, images.infrared, images.luminance)
    return jnp.pad(differences * (fused.size / differences.size), ((0, 0), (1, 1), (1, 1), (0, 0)))


def _differences(
    fused: Float[Array, "b h w 1"], infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]
) -> Float[Array, "b h-2 w-2 1"]:
    strengths = [_strength(image) for image in (fused, infrared, luminance)]
    return jnp.abs(strengths[0] - jnp.maximum(*strengths[1:]))


def _strength(image: Float[Array, "b h w 1"]) -> Float[Array, "b h-2 w-2 1"]:
    right, down = sobel(image)
    return jnp.abs(right) + jnp.abs(down)


TERM = Term(
    "gradient_max",
    to_sources(gradient_max),
    "weight of the difference in Sobel strength to the source with the stronger edge at each pixel",
    least_side=3,
    pixels=gradient_max_at_pixels,
)
