"""How well visible images are exposed: a weight from their mean and their contrast."""

import chex
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.images.sums import image_means

MEAN = (0.2, 0.3, 0.7, 0.85)  # mean luminance: well exposed from the second to the third, badly outside the others
CONTRAST = (0.06, 0.12)  # standard deviation of the luminance: bad up to the first, good from the second
LEAST = 0.01  # weight of a badly exposed image


def well_exposed(luminance: Float[Array, "b h w 1"]) -> Float[Array, " b"]:
    """Returns a weight for each image, from 0.01 (badly exposed) to 1 (well exposed).

    Well exposed is a mean luminance from 0.3 to 0.7 with a standard deviation of at least 0.12. The weight falls
    linearly to 0.01 at means of 0.2 and 0.85 and at a standard deviation of 0.06. It is never 0, so a weighted mean
    over a batch of night images is defined: it is a mean of these night images.

    Args:
        luminance: images in [0, 1].
    """
    chex.assert_rank(luminance, 4)
    mean = image_means(luminance)
    contrast = jnp.sqrt(image_means(jnp.square(luminance - mean[:, None, None, None])))
    bright_enough = (mean - MEAN[0]) / (MEAN[1] - MEAN[0])
    dark_enough = (MEAN[3] - mean) / (MEAN[3] - MEAN[2])
    contrasty_enough = (contrast - CONTRAST[0]) / (CONTRAST[1] - CONTRAST[0])
    weakest = jnp.minimum(jnp.minimum(bright_enough, dark_enough), contrasty_enough)
    return LEAST + (1.0 - LEAST) * jnp.clip(weakest, 0.0, 1.0)
