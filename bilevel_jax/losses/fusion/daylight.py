"""Daylight: how far the brightness of the fused image is from that of the visible image, in coarse blocks.

The measures are bilevel_jax/metrics/appearance/daylight.py and sky.py.
"""

import chex
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.images.sums import image_means
from bilevel_jax.losses.fusion.blocks import whole_blocks
from bilevel_jax.losses.fusion.term import Images, Term
from bilevel_jax.losses.pair import Pair

BLOCK = 16  # pixels
TOLERANCE = 0.04  # ten grey levels: smaller deviations cost little
# Mean luminances. Up to NIGHT an image counts NIGHT_WEIGHT, from DAY on it counts 1, and in between linearly.
NIGHT, DAY = 0.25, 0.35
NIGHT_WEIGHT = 0.1


def daylight_deviation(fused: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]) -> Pair:
    """w (sqrt(1 + (d / 0.04)^2) - 1), summed over the blocks of 16 x 16 pixels; the normaliser is their number.

    d is the difference between the means of u and y_Y in a block, and w the weight of the image: 1 by day and 0.1 by
    night. A mean luminance of at least 0.35 is day, one up to 0.25 is night, and w is linear in between. Pixels at the
    bottom and on the right that fill no block do not count. The loss is this project's own.

    Args:
        fused: fused luminance u; it may leave [0, 1].
        luminance: y_Y of the visible image, in [0, 1].

    Raises:
        ValueError: a side is under 16 pixels.
    """
    chex.assert_rank([fused, luminance], 4)
    chex.assert_equal_shape([fused, luminance])
    deviations = jnp.mean(whole_blocks(fused - luminance, BLOCK), axis=-1)
    day = jnp.clip((image_means(luminance) - NIGHT) / (DAY - NIGHT), 0.0, 1.0)
    weights = NIGHT_WEIGHT + (1.0 - NIGHT_WEIGHT) * day
    losses = jnp.sqrt(1.0 + jnp.square(deviations / TOLERANCE)) - 1.0
    return jnp.sum(weights[:, None] * losses), jnp.float32(losses.size)


def _loss(fused: Float[Array, "b h w 1"], images: Images) -> Pair:
    return daylight_deviation(fused, images.luminance)


TERM = Term(
    "daylight",
    _loss,
    f"weight of the difference to the visible luminance in block means of {BLOCK} x {BLOCK}; images by night count "
    f"{NIGHT_WEIGHT}",
    least_side=BLOCK,
)
