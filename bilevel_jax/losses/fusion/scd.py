"""SCD: correlation of what the fused image adds to one source with the other source.

The measure is bilevel_jax/metrics/fusion/scd.py.
"""

import chex
import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.images.sums import image_means
from bilevel_jax.losses.fusion.term import Term, to_sources
from bilevel_jax.losses.pair import Pair

# A tenth of a grey level, as a standard deviation. An image with less contrast counts as constant, so that its gradient
# stays finite.
FLAT = 0.1 / 255


def uncorrelated_differences(
    fused: Float[Array, "b h w 1"], infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]
) -> Pair:
    """2 - SCD = 2 - corr(x, u - y_Y) - corr(y_Y, u - x), in 0 ... 4, summed over the images; normaliser: their number.

    Where a source or a difference is constant, SCD is undefined. The loss takes that correlation as 0, and lets the
    correlation go to 0 before: `FLAT`^2 is added to the variance of each image. Aslantas and Bendes, "A new image
    quality metric for image fusion: the sum of the correlations of differences", AEU International Journal of
    Electronics and Communications 2015.

    Args:
        fused: fused luminance u; it may leave [0, 1].
        infrared: x, in [0, 1].
        luminance: y_Y of the visible image, in [0, 1].
    """
    chex.assert_rank([fused, infrared, luminance], 4)
    chex.assert_equal_shape([fused, infrared, luminance])
    losses = 2.0 - _correlation(infrared, fused - luminance) - _correlation(luminance, fused - infrared)
    return jnp.sum(losses), jnp.float32(fused.shape[0])


def _correlation(a: Float[Array, "b h w 1"], b: Float[Array, "b h w 1"]) -> Float[Array, " b"]:
    a, b = (image - image_means(image)[:, None, None, None] for image in (a, b))
    scales = [jax.lax.rsqrt(image_means(image * image) + FLAT**2) for image in (a, b)]
    return image_means(a * b) * scales[0] * scales[1]


TERM = Term("scd", to_sources(uncorrelated_differences), "weight of 2 - SCD", of_measure=True)
