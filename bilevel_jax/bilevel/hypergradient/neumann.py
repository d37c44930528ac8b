"""The implicit hypergradient by a Neumann series."""

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss
from bilevel_jax.bilevel.hypergradient.inner_curvature import implicit
from bilevel_jax.bilevel.hypergradient.method import EstimatorTraits


@EstimatorTraits(
    cost="1 B + (T + 1) H",
    exact_where="v = v*, T -> inf, step < 2 / largest eigenvalue",
    paper="Lorraine et al. 2020",
    choose_for="v nearly solved: T terms are T unrolled steps of gradient descent, without their memory",
    example={"step_size": 0.1},
    plain_gradients=lambda steps, coordinates: 2 + 2 * steps + 4 / 3,
)
def neumann(
    context: Context, outer_loss: Loss, inner_loss: Loss, *, step_size: float, iterations: int = 10
) -> Estimator:
    """F_w - f_wv q with q = step_size * sum over j = 0..iterations of (I - step_size f_vv)^j F_v.

    The series converges to the implicit hypergradient for step sizes below 2 / (largest eigenvalue of f_vv), with the
    factor 1 - step_size * (smallest eigenvalue). Cut off after J terms it equals unrolling J steps of gradient descent
    near v*.

    Args:
      step_size: step size of the series, above 0.
      iterations: number of terms after the first, at least 0.

    Returns:
      An Estimator without state. Aux: `outer_loss`, `outer_grad_norm`, `correction_norm`, `residual_norm` (the length
      of the last term).

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

    return implicit(context, outer_loss, inner_loss, solve)
