"""The implicit hypergradient with a linear system that takes one gradient step a call."""

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss
from bilevel_jax.bilevel.hypergradient.inner_curvature import implicit, zeros_like_inner
from bilevel_jax.bilevel.hypergradient.loss_gradients import check_positive
from bilevel_jax.bilevel.hypergradient.method import EstimatorTraits


@EstimatorTraits(
    cost="1 B + 1 H",
    exact_where="v = v*, after many calls, w and v slow",
    keeps="q",
    paper="Dagréou et al. 2022",
    choose_for="the cheapest second derivatives: outer steps so many and so small that q keeps up with w and v",
    example={"step_size": 0.1},
    plain_gradients=lambda steps, coordinates: 4,
)
def soba(
    context: Context,
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    step_size: float,
    damping: float = 0.0,
) -> Estimator:
    """F_w - f_wv q, where q takes one step q - step_size ((f_vv + damping I) q - F_v) a call and starts at 0.

    One product with second derivatives gives both f_wv q and f_vv q. The first call returns F_w. At a fixed point the
    error shrinks by the factor 1 - step_size * (smallest eigenvalue of f_vv + damping I) a call, for step sizes below
    2 / (largest eigenvalue).

    It is bad at ill-conditioned inner problems, for which q needs as many calls as their condition number, and at
    negative curvature: along a direction whose eigenvalue plus damping is below 0, q grows from call to call.

    Args:
      step_size: step size of q, above 0.
      damping: added to the eigenvalues of f_vv, at least 0.

    Returns:
      An Estimator whose state is q. Aux: `outer_loss`, `outer_grad_norm`, `correction_norm`, `residual_norm` (of the
      linear system, at the q that was used).

    References:
      Dagréou, Ablin, Vaiter and Moreau, A framework for bilevel optimization that enables stochastic and global
      variance reduction algorithms, NeurIPS 2022 (arXiv 2201.13409), algorithm 1.
    """
    check_positive("soba", step_size=step_size)
    if damping < 0:
        raise ValueError(f"soba needs damping >= 0, got {damping}")

    def solve(products, target, q):
        mixed, curved = products(q)
        residual = trees.add_scaled(trees.add_scaled(target, -1.0, curved), -damping, q)
        return mixed, {"residual_norm": trees.norm(residual)}, trees.add_scaled(q, step_size, residual)

    return implicit(context, outer_loss, inner_loss, solve, zeros_like_inner)
