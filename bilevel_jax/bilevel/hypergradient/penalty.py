"""The inner problem's optimality as a penalty on the outer loss."""

from typing import Literal, get_args

import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimate, Estimator, Loss, stateless, without_aux
from bilevel_jax.bilevel.hypergradient.inner_curvature import second_derivatives
from bilevel_jax.bilevel.hypergradient.loss_gradients import Gradients, check_positive, descend
from bilevel_jax.bilevel.hypergradient.method import EstimatorTraits
from bilevel_jax.bilevel.hypergradient.reduction import reduce_outer
from bilevel_jax.bilevel.loops import Loop, unrolls

Kind = Literal["value", "gradient"]


@EstimatorTraits(
    cost='T + 3 B ("value"), 2 B + H ("gradient")',
    exact_where="gamma -> inf AND v at the minimum of the penalised problem; at v* it is F_w",
    keeps="`inner_grad`",
    paper="Shen & Chen 2023; Mehra & Hamm 2021",
    choose_for="w and v stepped together",
    plain_gradients=lambda steps, coordinates: 2 + 2 / 3,  # for "value" with one step of the descent
)
def penalty(
    context: Context,
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    gamma: float = 10.0,
    kind: Kind = "value",
    step_size: float = 0.1,
    steps: int = 1,
    loop: Loop = "auto",
) -> Estimator:
    """The gradient in both variables of F + gamma * penalty, whose minimisers come near those of the bilevel problem.

    The two variables must be stepped together: the inner optimizer takes `inner_grad` in place of f_v. The
    hypergradient comes near the exact one as gamma grows only where v minimises F + gamma * penalty; at v* the
    penalty's gradient is 0, and what is left is F_w, the answer of `ignore`.

    Args:
      gamma: weight of the penalty, above 0; the larger, the nearer to the bilevel problem and the stiffer.
      kind: "value" is the penalty f(w, v) - min f(w, .), with the minimum by `steps` gradient steps from v, first-order
        throughout. "gradient" is the penalty |f_v|^2 / 2, with one product with second derivatives (reverse over
        reverse mode).
      step_size: step size of the descent to the minimum, for "value"; above 0.
      steps: number of steps of that descent, at least 1.
      loop: of that descent, as in `unrolled`.

    Returns:
      An Estimator without state. Aux: `outer_loss`, `inner_loss`, `outer_grad_norm` |F_w|, `multiplier` gamma.

    References:
      Shen and Chen, On Penalty-Based Bilevel Gradient Descent Method, ICML 2023 (arXiv 2302.05185) (both kinds);
      Mehra and Hamm, Penalty Method for Inversion-Free Deep Bilevel Optimization, ACML 2021 (arXiv 1911.03432).
    """
    if kind not in get_args(Kind):
        raise ValueError(f"penalty needs kind in {get_args(Kind)}, got {kind!r}")
    check_positive("penalty", gamma=gamma, step_size=step_size, steps=steps)
    unrolls(loop, steps)
    at = Gradients(context, outer_loss, inner_loss)
    scalar, axis_name = without_aux(inner_loss, context), context.axis_name

    def estimate(w, v, outer_batch, inner_batch, state):
        value, extra, F_w, F_v = at.outer(w, v, outer_batch)
        inner_value, inner_extra, f_w, f_v = at.inner(w, v, inner_batch)
        if kind == "value":
            best = descend(lambda v: at.inner_v(w, v, inner_batch), v, step_size, steps, loop, axis_name)
            p_w, p_v = trees.add_scaled(f_w, -1.0, at.inner(w, best, inner_batch)[2]), f_v
        else:
            own_w, own_v = trees.per_device((w, v), axis_name)
            mixed, p_v = second_derivatives(scalar, own_w, own_v, inner_batch, axis_name)(f_v)
            p_w = reduce_outer(mixed, context)
        aux = at.aux(value, extra, F_w, inner_value, inner_extra, multiplier=jnp.asarray(gamma))
        outer_grad, inner_grad = trees.add_scaled(F_w, gamma, p_w), trees.add_scaled(F_v, gamma, p_v)
        return Estimate(outer_grad, inner_grad, None, state, aux)

    return Estimator(stateless, estimate, needs_inner_grad=True)
