"""rho, the factor of the paper's first-order correction."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.trees import PyTree


def rank_one_factor(
    F_v: PyTree, f_v: PyTree, damping: float, relative_damping: float
) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    """rho = <F_v, f_v> / (|f_v|^2 + damping + relative_damping |F_v|^2), and the two squared norms.

    Args:
      F_v: gradient of the outer loss with respect to the inner parameters.
      f_v: gradient of the inner loss with respect to the inner parameters, of the same structure.
      damping: added to |f_v|^2, in its units.
      relative_damping: the share of |F_v|^2 that is added to |f_v|^2.

    Returns:
      (rho, |F_v|^2, |f_v|^2), scalars in float32 or wider. rho is 0 where the denominator is 0.

    References:
      Liu et al., Bi-level Dynamic Learning for Jointly Multi-modality Image Fusion and Beyond, IJCAI 2023
      (arXiv 2305.06720).
    """
    F_v_squared, f_v_squared = trees.vdot(F_v, F_v), trees.vdot(f_v, f_v)
    denominator = f_v_squared + damping + relative_damping * F_v_squared
    # f_v = 0 gives 0 / 0 without damping. The inner problem says nothing there, so nothing is corrected.
    safe = jnp.where(denominator > 0, denominator, 1.0)
    return jnp.where(denominator > 0, trees.vdot(F_v, f_v) / safe, 0.0), F_v_squared, f_v_squared
