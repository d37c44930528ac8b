"""Halo: pixels that are darker or brighter than everything near them in the sources.

Rims of that kind help a detector in the training loop more than an eye, and they survive no other detector.
"""

import chex
import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from bilevel_jax.losses.fusion.term import Term, to_sources
from bilevel_jax.losses.pair import Pair

WINDOW = 5  # pixels: side of the square around a pixel
SLACK = 0.02  # five grey levels beyond the range cost nothing


def beyond_the_sources(
    fused: Float[Array, "b h w 1"], infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]
) -> Pair:
    """max(l - 0.02 - u, 0) + max(u - m - 0.02, 0), summed over the pixels; the normaliser is their number.

    l is the least y_Y in the 5 x 5 pixels around a pixel, and m the largest of x and y_Y there. So the fused image may
    show heat brighter than the visible image, and it may not be darker than the visible image all around. The loss is
    this project's own.

    Args:
        fused: fused luminance u; it may leave [0, 1].
        infrared: x, in [0, 1].
        luminance: y_Y of the visible image, in [0, 1].
    """
    chex.assert_rank([fused, infrared, luminance], 4)
    chex.assert_equal_shape([fused, infrared, luminance])
    least, largest = -_largest(-luminance), _largest(jnp.maximum(infrared, luminance))
    beyond = jax.nn.relu(least - SLACK - fused) + jax.nn.relu(fused - largest - SLACK)
    return jnp.sum(beyond), jnp.float32(fused.size)


def _largest(images: Float[Array, "b h w 1"]) -> Float[Array, "b h w 1"]:
    # The sources need no gradient.
    return lax.reduce_window(lax.stop_gradient(images), -jnp.inf, lax.max, (1, WINDOW, WINDOW, 1), (1, 1, 1, 1), "SAME")


TERM = Term(
    "halo",
    to_sources(beyond_the_sources),
    f"weight of what pixels are darker than the visible image, or brighter than both sources, within {WINDOW} x "
    f"{WINDOW} pixels",
)
