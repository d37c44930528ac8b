"""The implicit hypergradient by conjugate gradients."""

import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss
from bilevel_jax.bilevel.hypergradient.inner_curvature import implicit
from bilevel_jax.bilevel.hypergradient.method import EstimatorTraits


@EstimatorTraits(
    cost="1 B + (T + 1) H",
    exact_where="v = v*, f_vv positive definite",
    paper="Pedregosa 2016; Rajeswaran et al. 2019",
    choose_for="v well solved, curvature positive: the fewest products for a given error",
    plain_gradients=lambda steps, coordinates: 2 + 2 * steps + 4 / 3,
)
def conjugate_gradient(
    context: Context, outer_loss: Loss, inner_loss: Loss, *, iterations: int = 10, damping: float = 0.0
) -> Estimator:
    """F_w - f_wv q with (f_vv + damping I) q = F_v by conjugate gradients.

    The result is exact at v* after as many iterations as f_vv has distinct eigenvalues. f_vv + damping I must be
    positive definite; the iteration stops where a direction has no positive curvature. The cost is one backward pass of
    the outer loss and iterations + 1 products with second derivatives.

    Args:
      iterations: number of steps of conjugate gradients, at least 1.
      damping: added to the eigenvalues of f_vv, at least 0.

    Returns:
      An Estimator without state. Aux: `outer_loss`, `outer_grad_norm`, `correction_norm`, `residual_norm` (of the
      linear system).

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

    return implicit(context, outer_loss, inner_loss, solve)
