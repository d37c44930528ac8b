"""The implicit hypergradient by a Neumann series."""

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss
from bilevel_jax.bilevel.hypergradient.inner_curvature import implicit


def neumann(
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    step_size: float,
    iterations: int = 10,
    has_aux: bool = False,
    axis_name: str | None = None,
    sharded_outer: bool = False,
) -> Estimator:
    """F_w - f_wv q with q = step_size * sum over j = 0..iterations of (I - step_size f_vv)^j F_v.

    It converges to the implicit hypergradient, with factor 1 - step_size * (smallest eigenvalue of f_vv), for step
    sizes below 2 / (largest eigenvalue); cut off after J terms it equals unrolling J steps of gradient descent near
    v*. The other arguments are those of `one_step`; aux as in `conjugate_gradient`, `residual_norm` being the length of
    the last term.

    References:
      Lorraine, Vicol and Duvenaud, Optimizing Millions of Hyperparameters by Implicit Differentiation, AISTATS 2020
      (arXiv 1911.02590), algorithm 3.
    """
    if iterations < 0 or step_size <= 0:
        raise ValueError(f"neumann needs iterations >= 0 and step_size > 0, got {iterations} and {step_size}")

    def solve(product, target):
        term = total = target
        for _ in range(iterations):
            term = trees.add_scaled(term, -step_size, product(term))
            total = trees.add_scaled(total, 1.0, term)
        return trees.scaled(step_size, total), {"residual_norm": trees.norm(term)}

    return implicit(outer_loss, inner_loss, solve, has_aux=has_aux, axis_name=axis_name, sharded_outer=sharded_outer)
