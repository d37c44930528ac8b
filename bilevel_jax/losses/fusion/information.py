"""What the grey levels of the fused image hold: of the sources' information, and of their own entropy.

Histograms have 64 bins with triangular weights, so that a level counts in its two nearest bins and has a slope.
"""

import chex
import jax
import jax.numpy as jnp

from bilevel_jax.images.sums import image_sums

BINS = 64
# In bits. Sources that hold less count as constant; rounding alone gives some 1e-6.
LEAST = 1e-3


def mutual_information_loss(fused: jax.Array, ir: jax.Array, luma: jax.Array) -> tuple[jax.Array, jax.Array]:
    """1 - (I(x; u) + I(y_Y; u)) / (I(x) + I(y_Y)), in [0, 1], summed over the images; the normaliser is their number.

    I(x) = H(x) - the mean entropy of one pixel's own weights is what a soft histogram can tell of x: the most that
    I(x; u) can be, and 0 of a constant image, whose H(x) is not 0 between two bins. Two constant sources lose 0. A copy
    of one source does not reach 0, neighbouring bins being mixed. [B, H, W, 1] each, clipped to [0, 1]. After Qu, Zhang
    and Yan, "Information measure for performance of image fusion", Electronics Letters 2002, which does not normalise.
    """
    chex.assert_rank([fused, ir, luma], 4)
    chex.assert_equal_shape([fused, ir, luma])
    u, shared, most = _soft_bins(fused), 0.0, 0.0
    for source in (_soft_bins(ir), _soft_bins(luma)):
        joint = jnp.einsum("bpk,bpl->bkl", source, u, precision="highest") / u.shape[1]
        shared += _bits(jnp.sum(joint, axis=2)) + _bits(jnp.sum(joint, axis=1)) - _bits(joint)
        most += _bits(jnp.mean(source, axis=1)) - _bits(source) / u.shape[1]
    losses = jnp.where(most > LEAST, 1.0 - shared / jnp.maximum(most, LEAST), 0.0)
    return jnp.sum(losses), jnp.float32(fused.shape[0])


def entropy_deficit(fused: jax.Array, ir: jax.Array, luma: jax.Array) -> tuple[jax.Array, jax.Array]:
    """1 - H(u) / log2(64), in [0, 1], summed over the images; the normaliser is their number.

    Of the fused image alone. 0 where every bin holds as much as any other; nothing holds noise back, so the weight is
    to be small. [B, H, W, 1] each, clipped to [0, 1].
    """
    chex.assert_rank([fused, ir, luma], 4)
    chex.assert_equal_shape([fused, ir, luma])
    return jnp.sum(1.0 - _bits(jnp.mean(_soft_bins(fused), axis=1)) / jnp.log2(BINS)), jnp.float32(fused.shape[0])


def _soft_bins(images: jax.Array) -> jax.Array:
    """[B,H,W,1] -> [B,HW,BINS]; each pixel's weights sum to 1."""
    levels = jnp.clip(images, 0.0, 1.0).reshape(images.shape[0], -1, 1) * (BINS - 1)
    return jax.nn.relu(1.0 - jnp.abs(levels - jnp.arange(BINS)))


def _bits(shares: jax.Array) -> jax.Array:
    """-sum p log2 p of each image, [B, ...] -> [B]; 0 log 0 is 0, and so is its slope."""
    return -image_sums(shares * jnp.log2(jnp.where(shares > 0, shares, 1.0)))
