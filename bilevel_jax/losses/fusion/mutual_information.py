"""Mutual information: what the grey levels of the fused image do not tell of the sources' grey levels."""

import chex
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.losses.fusion.soft_histogram import BINS, bits, soft_bins
from bilevel_jax.losses.fusion.term import Term, to_sources
from bilevel_jax.losses.pair import Pair

# In bits. Sources with less information count as constant; rounding error alone gives about 1e-6.
LEAST = 1e-3


def mutual_information_loss(
    fused: Float[Array, "b h w 1"], infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]
) -> Pair:
    """1 - (I(x; u) + I(y_Y; u)) / (I(x) + I(y_Y)), in [0, 1], summed over the images; the normaliser is their number.

    I(x) = H(x) - (mean entropy of the weights of one pixel) is the largest value that I(x; u) can have with soft
    histograms, and 0 for a constant image. Two constant sources have the loss 0. A copy of one source does not reach 0,
    because neighbouring bins mix. After Qu, Zhang and Yan, "Information measure for performance of image fusion",
    Electronics Letters 2002, who do not normalise.

    Args:
        fused: fused luminance u, clipped to [0, 1] here.
        infrared: x, in [0, 1].
        luminance: y_Y of the visible image, in [0, 1].
    """
    chex.assert_rank([fused, infrared, luminance], 4)
    chex.assert_equal_shape([fused, infrared, luminance])
    u = soft_bins(fused)
    shared: Array | float = 0.0
    most: Array | float = 0.0
    for source in (soft_bins(infrared), soft_bins(luminance)):
        joint = jnp.einsum("bpk,bpl->bkl", source, u, precision="highest") / u.shape[1]
        shared += bits(jnp.sum(joint, axis=2)) + bits(jnp.sum(joint, axis=1)) - bits(joint)
        most += bits(jnp.mean(source, axis=1)) - bits(source) / u.shape[1]
    losses = jnp.where(most > LEAST, 1.0 - shared / jnp.maximum(most, LEAST), 0.0)
    return jnp.sum(losses), jnp.float32(fused.shape[0])


TERM = Term(
    "mutual_information",
    to_sources(mutual_information_loss),
    f"weight of 1 - the share of the sources' information that {BINS} soft grey levels of the fused image keep",
    of_measure=True,
)
