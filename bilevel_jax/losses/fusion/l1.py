"""L1: absolute difference to the target.

Liu et al., "Bi-level Dynamic Learning for Jointly Multi-modality Image Fusion and Beyond", IJCAI 2023: the visual
objective is L1(u, t) + 1.1 (1 - SSIM(u, t)).
"""

import chex
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from bilevel_jax.losses.fusion.term import Term, to_target
from bilevel_jax.losses.pair import Pair


def l1(fused: Float[Array, "b h w 1"], target: Float[Array, "b h w 1"]) -> Pair:
    """|u - t|, summed over all pixels; the normaliser is the number of pixels."""
    return jnp.sum(difference(fused, target)), jnp.float32(fused.size)


def difference(fused: Float[Array, "b h w 1"], target: Float[Array, "b h w 1"]) -> Float[Array, "b h w 1"]:
    """|u - t| at each pixel."""
    chex.assert_equal_shape([fused, target])
    return jnp.abs(fused - target)


TERM = Term(
    "l1",
    to_target(l1),
    "weight of the absolute difference to the target",
    default=1.0,
    pixels=lambda fused, images: difference(fused, images.target),
)
