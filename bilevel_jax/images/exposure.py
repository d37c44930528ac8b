"""Automatic exposure: dim infrared images are brightened before they are fused."""

import chex
import jax
import jax.numpy as jnp

from bilevel_jax.images.pyramid import halve
from bilevel_jax.images.sums import image_means

KEY = 0.3  # the mean that a dim image is brought up to
HIGHLIGHTS = 0.99  # this share of the pixels stays within the range
LEAST = 1e-3  # of a mean or a highlight: a quarter of an 8 bit level


def expose(infrared: jax.Array, most: float) -> jax.Array:
    """Brightens each image by one factor, so that its mean reaches 0.3 or its highlights 1, whichever comes first.

    Infrared images written with a fixed range of temperatures can be much dimmer than the visible ones beside them
    (MSRS: means of 0.08 by night, 0.12 by day; RoadScene and LLVIP 0.15 to 0.5); what is warm in them is then no
    brighter than any texture of the visible image. The factor is at least 1: a bright image stays as it is.

    Args:
        infrared: [B, H, W, 1] in [0, 1].
        most: the largest factor, at least 1; at 1 nothing changes.

    Returns:
        The images, [B, H, W, 1] in [0, 1]; the hundredth of pixels beyond the range is clipped. The factor counts as a
        constant in gradients.
    """
    chex.assert_rank(infrared, 4)
    if most == 1:
        return infrared
    small = halve(halve(infrared))  # single hot or noisy pixels don't count
    pixels = small.reshape(small.shape[0], -1).astype(jnp.float32)
    highlights = jnp.quantile(pixels, HIGHLIGHTS, axis=1)
    means = image_means(infrared.astype(jnp.float32))
    factor = jnp.minimum(KEY / jnp.maximum(means, LEAST), 1.0 / jnp.maximum(highlights, LEAST))
    factor = jax.lax.stop_gradient(jnp.clip(factor, 1.0, most)).astype(infrared.dtype)
    return jnp.minimum(factor[:, None, None, None] * infrared, 1.0)
