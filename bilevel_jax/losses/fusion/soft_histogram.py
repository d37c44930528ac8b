"""Differentiable histograms of grey levels, and their entropy.

A histogram has 64 bins with triangular weights: a level counts in its two nearest bins, so that it has a slope.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.images.sums import image_sums

BINS = 64


def soft_bins(images: Float[Array, "b h w 1"]) -> Float[Array, "b hw bins"]:
    """The weight of each pixel in each of `BINS` bins, with sum 1 for each pixel. Images are clipped to [0, 1]."""
    levels = jnp.clip(images, 0.0, 1.0).reshape(images.shape[0], -1, 1) * (BINS - 1)
    return jax.nn.relu(1.0 - jnp.abs(levels - jnp.arange(BINS)))


def bits(shares: Float[Array, "b ..."]) -> Float[Array, " b"]:
    """The entropy -sum p log2 p of each image's shares; a share of 0 adds 0 and has the slope 0."""
    return -image_sums(shares * jnp.log2(jnp.where(shares > 0, shares, 1.0)))
