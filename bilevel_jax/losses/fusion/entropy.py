"""Entropy: how unevenly the grey levels of the fused image are used."""

import chex
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.losses.fusion.soft_histogram import BINS, bits, soft_bins
from bilevel_jax.losses.fusion.term import Term, to_sources
from bilevel_jax.losses.pair import Pair


def entropy_deficit(
    fused: Float[Array, "b h w 1"], infrared: Float[Array, "b h w 1"], luminance: Float[Array, "b h w 1"]
) -> Pair:
    """1 - H(u) / log2(64), in [0, 1], summed over the images; the normaliser is their number.

    The loss is 0 where all bins hold the same number of pixels. Noise lowers it too, so its weight must be small.

    Args:
        fused: fused luminance u, clipped to [0, 1] here.
        infrared, luminance: not used; given so that all losses to the sources have the same arguments.
    """
    chex.assert_rank([fused, infrared, luminance], 4)
    chex.assert_equal_shape([fused, infrared, luminance])
    return jnp.sum(1.0 - bits(jnp.mean(soft_bins(fused), axis=1)) / jnp.log2(BINS)), jnp.float32(fused.shape[0])


TERM = Term(
    "entropy",
    to_sources(entropy_deficit),
    "weight of 1 - H(u) / 6 bits; it rewards noise too, so keep it small",
    of_measure=True,
)
