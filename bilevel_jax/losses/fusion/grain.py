"""Grain: noise that the fused image adds to plain surfaces.

The measure is bilevel_jax/metrics/appearance/noise.py.
"""

import chex
import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.losses.fusion.blocks import whole_blocks
from bilevel_jax.losses.fusion.term import Term, to_raw_sources
from bilevel_jax.losses.pair import Pair

PATCH = 8  # pixels
PLAIN = 3 / 255  # a patch with less deviation in both sources is plain
LEAST = 0.5 / 255  # less deviation than this is the rounding of whole levels
FLOOR = 1e-8  # added to each variance, so that the slope of the square root is bounded: 0.03 levels, squared
# Added to the normaliser for each image, so that a few plain patches do not get the weight of hundreds.
EXTRA = 2


def added_grain(
    fused: Float[Array, "b h w 1"], infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]
) -> Pair:
    """max(s(u) / max(s(x), s(y_Y), 0.5 / 255) - 1, 0), summed over the plain patches of 8 x 8 pixels.

    s is the standard deviation in a patch. A patch is plain where s(x) and s(y_Y) are below 3 grey levels. The
    normaliser is the number of plain patches plus 2 for each image. The loss is this project's own.

    Args:
        fused: fused luminance u; it may leave [0, 1].
        infrared: infrared image x as it comes, without exposure, in [0, 1].
        luminance: y_Y of the visible image, in [0, 1].

    Raises:
        ValueError: a side is under 8 pixels.
    """
    chex.assert_rank([fused, infrared, luminance], 4)
    chex.assert_equal_shape([fused, infrared, luminance])
    sources = jnp.maximum(_deviations(infrared), _deviations(luminance))
    plain = sources < PLAIN
    excess = jax.nn.relu(_deviations(fused) / jnp.maximum(sources, LEAST) - 1.0)
    return jnp.sum(excess * plain), jnp.sum(plain) + jnp.float32(EXTRA * fused.shape[0])


def _deviations(images: Float[Array, "b h w 1"]) -> Float[Array, "b patches"]:
    return jnp.sqrt(jnp.var(whole_blocks(images, PATCH), axis=-1) + FLOOR)


TERM = Term(
    "grain",
    to_raw_sources(added_grain),
    f"weight of the standard deviation beyond the sources' in plain patches of {PATCH} x {PATCH}. Infrared images "
    "count without exposure",
    least_side=PATCH,
)
