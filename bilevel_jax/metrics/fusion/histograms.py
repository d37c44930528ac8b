"""What the histograms of 256 grey levels tell: entropy, mutual information, cross entropy.

All functions take float images in 0-255, [H, W] or [H, W, C] (the mean over the channels; a one-channel image serves
every channel), and `size` as extent.py says it. Values between two levels count to the nearest.
"""

import jax
import jax.numpy as jnp

from bilevel_jax.metrics.fusion.extent import Size, inside, per_channel
from bilevel_jax.metrics.fusion.stretch import stretched

LEVELS = 256


@per_channel
def entropy(fused: jax.Array, *, size: Size = None) -> jax.Array:
    """EN: entropy of the grey levels in bits, 256 bins; higher is better. Defined for every image."""
    return _entropy(_histogram(_levels(fused), fused, size)) / jnp.log(2.0)


@per_channel
def mutual_information(infrared: jax.Array, visible: jax.Array, fused: jax.Array, *, size: Size = None) -> jax.Array:
    """MI: I(infrared; fused) + I(visible; fused) in BITS (CDDFuse prints nats), 256 x 256 bins; higher is better.

    Qu, Zhang and Yan, "Information measure for performance of image fusion", 2002. Defined for every image: a constant
    one has no information.
    """
    nats = _shared_information(infrared, fused, size) + _shared_information(visible, fused, size)
    return nats / jnp.log(2.0)


@per_channel
def vifb_mutual_information(
    infrared: jax.Array, visible: jax.Array, fused: jax.Array, *, size: Size = None
) -> jax.Array:
    """VIFB's Mutinf: the same sum in NATS, each image first stretched to 0-255; higher is better.

    A constant image cannot be stretched and has no information: it adds 0.
    """
    infrared, visible, fused = (jnp.nan_to_num(stretched(image, size), nan=0.0) for image in (infrared, visible, fused))
    return _shared_information(infrared, fused, size) + _shared_information(visible, fused, size)


@per_channel
def cross_entropy(infrared: jax.Array, visible: jax.Array, fused: jax.Array, *, size: Size = None) -> jax.Array:
    """VIFB's Cross_entropy: mean of the sources' sum p log2(p / q), q the fused image's histogram; lower is better.

    Only the bins count that neither histogram leaves empty, so it may be negative, and is 0 where the images share no
    grey level. Bulanon, Burks and Alchanatis, "Image fusion of visible and thermal images for fruit detection", 2009.
    """
    target = _histogram(_levels(fused), fused, size)

    def divergence(source: jax.Array) -> jax.Array:
        p, q = (h / jnp.sum(h) for h in (_histogram(_levels(source), source, size), target))
        shared = (p > 0) & (q > 0)
        return jnp.sum(jnp.where(shared, p * jnp.log2(jnp.where(shared, p, 1) / jnp.where(shared, q, 1)), 0))

    return (divergence(infrared) + divergence(visible)) / 2


def _levels(image: jax.Array) -> jax.Array:
    return jnp.clip(jnp.floor(image + 0.5), 0, LEVELS - 1).astype(jnp.int32)


def _histogram(numbers: jax.Array, image: jax.Array, size: Size, bins: int = LEVELS) -> jax.Array:
    """How often each number 0 ... bins - 1 occurs in the image, [bins] in the image's float type."""
    numbers = jnp.where(inside(image, size), numbers, bins)  # out of range: dropped
    # Counted in integers: float32 cannot count past 2^24.
    return jnp.zeros(bins, jnp.int32).at[numbers.ravel()].add(1, mode="drop").astype(image.dtype)


def _entropy(counts: jax.Array) -> jax.Array:
    p = counts / jnp.sum(counts)
    return -jnp.sum(jnp.where(p > 0, p * jnp.log(jnp.where(p > 0, p, 1)), 0))


def _shared_information(source: jax.Array, fused: jax.Array, size: Size) -> jax.Array:
    pairs = _levels(source) * LEVELS + _levels(fused)
    joint = _histogram(pairs, fused, size, LEVELS**2).reshape(LEVELS, LEVELS)
    return _entropy(joint.sum(0)) + _entropy(joint.sum(1)) - _entropy(joint.ravel())
