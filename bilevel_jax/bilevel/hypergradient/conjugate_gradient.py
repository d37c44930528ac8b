"""The implicit hypergradient by conjugate gradients."""

import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss
from bilevel_jax.bilevel.hypergradient.inner_curvature import implicit


def conjugate_gradient(
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    iterations: int = 10,
    damping: float = 0.0,
    has_aux: bool = False,
    axis_name: str | None = None,
    sharded_outer: bool = False,
) -> Estimator:
    """F_w - f_wv q with (f_vv + damping I) q = F_v by `iterations` steps of conjugate gradients.

    Exact at v* after as many iterations as f_vv has distinct eigenvalues; it needs f_vv + damping I to be positive
    definite, and stops where a direction has no positive curvature. One backward pass of the outer loss, and
    iterations + 1 products with second derivatives. The other arguments are those of `one_step`. Aux: `outer_loss`,
    `outer_grad_norm`, `correction_norm`, `residual_norm` (of the linear system).

    References:
      Pedregosa, Hyperparameter optimization with approximate gradient, ICML 2016 (arXiv 1602.02355); Rajeswaran et
      al., Meta-Learning with Implicit Gradients, NeurIPS 2019 (arXiv 1909.04630).
    """
    if iterations < 1 or damping < 0:
        raise ValueError(f"conjugate_gradient needs iterations >= 1 and damping >= 0, got {iterations} and {damping}")

    def solve(product, target):
        q = trees.scaled(0.0, target)
        residual = direction = target
        squared = trees.vdot(residual, residual)
        for _ in range(iterations):  # unrolled: a scan around convolutions is many times slower on CPU
            image = trees.add_scaled(product(direction), damping, direction)
            curvature = trees.vdot(direction, image)
            going = (curvature > 0) & (squared > 0)
            length = jnp.where(going, squared / jnp.where(going, curvature, 1.0), 0.0)
            q = trees.add_scaled(q, length, direction)
            residual = trees.add_scaled(residual, -length, image)
            following = trees.vdot(residual, residual)
            ratio = jnp.where(squared > 0, following / jnp.where(squared > 0, squared, 1.0), 0.0)
            direction = trees.add_scaled(residual, ratio, direction)
            squared = following
        return q, {"residual_norm": jnp.sqrt(squared)}

    return implicit(outer_loss, inner_loss, solve, has_aux=has_aux, axis_name=axis_name, sharded_outer=sharded_outer)
