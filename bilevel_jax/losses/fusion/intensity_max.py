"""Intensity: difference to the brighter source at each pixel.

Tang, Yuan and Ma, "Image fusion in the loop of high-level vision tasks: a semantic-aware real-time infrared and visible
image fusion network" (SeAFusion), Information Fusion 2022, content loss. Also in Tang et al., "PIAFusion: a progressive
infrared and visible image fusion network based on illumination aware", Information Fusion 2022.
"""

import chex
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.losses.fusion.l1 import difference
from bilevel_jax.losses.fusion.term import Term, to_sources
from bilevel_jax.losses.pair import Pair


def intensity_max(
    fused: Float[Array, "b h w 1"], infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]
) -> Pair:
    """|u - max(x, y_Y)|, summed over all pixels; the normaliser is the number of pixels.

    Args:
        fused: fused luminance u; it may leave [0, 1].
        infrared: x, in [0, 1].
        luminance: y_Y of the visible image, in [0, 1].
    """
    chex.assert_rank([fused, infrared, luminance], 4)
    chex.assert_equal_shape([fused, infrared, luminance])
    return jnp.sum(jnp.abs(fused - jnp.maximum(infrared, luminance))), jnp.float32(fused.size)


TERM = Term(
    "intensity_max",
    to_sources(intensity_max),
    "weight of the absolute difference to the brighter source at each pixel",
    pixels=lambda fused, images: difference(fused, jnp.maximum(images.infrared, images.luminance)),
)
