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
    chex.assert_equal_shape([fused, target])
    return jnp.sum(jnp.abs(fused - target)), jnp.float32(fused.size)


TERM = Term("l1", to_target(l1), "weight of the absolute difference to the target", default=1.0)
