"""Histograms of 256 grey levels and the information in them. Values between two levels count to the nearer level."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from bilevel_jax.metrics.fusion.extent import Size, inside

LEVELS = 256


def grey_levels(image: Float[Array, "h w"]) -> Int[Array, "h w"]:
    """The nearest of the levels 0 ... 255 of each pixel."""
    return jnp.clip(jnp.floor(image + 0.5), 0, LEVELS - 1).astype(jnp.int32)


def histogram(
    numbers: Int[Array, "h w"], image: Float[Array, "h w"], size: Size, bins: int = LEVELS
) -> Float[Array, " bins"]:
    """How often each number 0 ... bins - 1 occurs in the image, in the float type of `image`."""
    numbers = jnp.where(inside(image, size), numbers, bins)  # out of range: dropped
    # Counted in integers: float32 cannot count past 2^24.
    return jnp.zeros(bins, jnp.int32).at[numbers.ravel()].add(1, mode="drop").astype(image.dtype)


def nats(counts: Float[Array, " bins"]) -> Float[Array, ""]:
    """The entropy of a histogram in nats."""
    p = counts / jnp.sum(counts)
    return -jnp.sum(jnp.where(p > 0, p * jnp.log(jnp.where(p > 0, p, 1)), 0))


def shared_information(source: Float[Array, "h w"], fused: Float[Array, "h w"], size: Size) -> Float[Array, ""]:
    """The mutual information of two images in nats, from a joint histogram of 256 x 256 bins."""
    pairs = grey_levels(source) * LEVELS + grey_levels(fused)
    joint = histogram(pairs, fused, size, LEVELS**2).reshape(LEVELS, LEVELS)
    return nats(joint.sum(0)) + nats(joint.sum(1)) - nats(joint.ravel())
