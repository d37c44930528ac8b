"""White: pixels that are white in the fused image alone, such as people who become white shapes without detail.

The measure is bilevel_jax/metrics/appearance/cutout.py, which looks at the pixels of boxes alone.
"""

import chex
import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.losses.fusion.term import Term, to_raw_sources
from bilevel_jax.losses.pair import Pair

START = 0.92  # level 235: brighter than this is nearly white
SCALE = 0.05  # excess that costs 1
SOURCE_WHITE = 0.94  # level 240: a source of this level is white itself


def white_excess(
    fused: Float[Array, "b h w 1"], infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]
) -> Pair:
    """max(u - 0.92, 0) / 0.05 where both sources are below 0.94, summed; the normaliser is the number of all pixels.

    The loss is this project's own.

    Args:
        fused: fused luminance u; it may leave [0, 1].
        infrared: infrared image as it comes, without exposure, in [0, 1].
        luminance: y_Y of the visible image, in [0, 1].
    """
    chex.assert_rank([fused, infrared, luminance], 4)
    chex.assert_equal_shape([fused, infrared, luminance])
    counts = jnp.maximum(infrared, luminance) < SOURCE_WHITE
    return jnp.sum(jax.nn.relu(fused - START) / SCALE * counts), jnp.float32(fused.size)


TERM = Term(
    "white",
    to_raw_sources(white_excess),
    f"weight of what pixels exceed {START} by where neither source is white. Infrared images count without exposure",
)
