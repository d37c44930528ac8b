"""Two fully first-order methods that compare the inner loss with its best value: BOME and F2SA."""

from typing import Literal, get_args

import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimate, Estimator, Loss, stateless
from bilevel_jax.bilevel.hypergradient.loss_gradients import Gradients, check_positive, descend
from bilevel_jax.bilevel.hypergradient.method import EstimatorTraits
from bilevel_jax.bilevel.loops import Loop, unrolls

Method = Literal["f2sa", "bome"]


@EstimatorTraits(
    cost="3 T + 3 B (f2sa), T + 3 (bome)",
    exact_where="multiplier -> inf, T -> inf",
    keeps="`inner_grad`",
    paper="Kwon et al. 2023; Liu et al. 2022",
    choose_for="the best cosine of the first-order ones; large networks",
    example={"step_size": 0.1},
    plain_gradients=lambda steps, coordinates: 2 + 3 * 2 / 3,  # f2sa, T = 1: f_v at the start serves three times
)
def value_function(
    context: Context,
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    method: Method = "f2sa",
    step_size: float,
    steps: int = 1,
    multiplier: float = 10.0,
    eta: float = 0.5,
    loop: Loop = "auto",
) -> Estimator:
    """A hypergradient from first derivatives at two inner points.

    "f2sa" (two points): z by `steps` steps of gradient descent on f, y by as many on f + F / multiplier, both from v:
    g = F_w(w, y) + multiplier [f_w(w, y) - f_w(w, z)], with a bias of order 1 / multiplier. `inner_grad` is f_v: train
    the inner problem on its own loss. 3 `steps` + 3 backward passes.

    "bome": q = f(w, v) - f(w, v_T) with v_T by `steps` steps on f; both variables take grad F + lambda grad q, with
    lambda = max(eta - <grad F, grad q> / |grad q|^2, 0), so that q keeps falling. The inner optimizer must take
    `inner_grad`, the v part, in place of f_v. `steps` + 3 backward passes.

    Args:
      method: "f2sa" compares two inner points; "bome" makes the value gap q fall, and steps w and v together.
      step_size: step size of the gradient descent in v, above 0.
      steps: number of steps of that descent, at least 1.
      multiplier: f2sa's lambda, above 0; the larger, the smaller the bias.
      eta: bome's rate at which q falls, above 0.
      loop: of the descent, as in `unrolled`.

    Returns:
      An Estimator without state. Aux: `outer_loss`, `inner_loss`, `outer_grad_norm` |F_w|, `multiplier`.

    References:
      Kwon et al., A Fully First-Order Method for Stochastic Bilevel Optimization, ICML 2023 (arXiv 2301.10945), eq. 4;
      Liu et al., BOME! Bilevel Optimization Made Easy, NeurIPS 2022 (arXiv 2209.08709), algorithm 1.
    """
    if method not in get_args(Method):
        raise ValueError(f"value_function needs method in {get_args(Method)}, got {method!r}")
    check_positive("value_function", step_size=step_size, steps=steps, multiplier=multiplier, eta=eta)
    at = Gradients(context, outer_loss, inner_loss)
    unrolls(loop, steps)
    how = (step_size, steps, loop, context.axis_name)

    def f2sa(w, v, outer_batch, inner_batch, state):
        def inner(v):
            return at.inner_v(w, v, inner_batch)

        def penalised(v):
            return trees.add_scaled(inner(v), 1.0 / multiplier, at.outer(w, v, outer_batch)[3])

        z, y = descend(inner, v, *how), descend(penalised, v, *how)
        value, extra, F_w, _ = at.outer(w, y, outer_batch)
        inner_value, inner_extra, f_w_y, _ = at.inner(w, y, inner_batch)
        _, _, f_w_z, _ = at.inner(w, z, inner_batch)
        grad = trees.add_scaled(F_w, multiplier, trees.add_scaled(f_w_y, -1.0, f_w_z))
        aux = at.aux(value, extra, F_w, inner_value, inner_extra, multiplier=jnp.asarray(multiplier))
        return Estimate(grad, inner(v), None, state, aux)

    def bome(w, v, outer_batch, inner_batch, state):
        reached = descend(lambda v: at.inner_v(w, v, inner_batch), v, *how)
        value, extra, F_w, F_v = at.outer(w, v, outer_batch)
        inner_value, inner_extra, f_w, q_v = at.inner(w, v, inner_batch)
        q_w = trees.add_scaled(f_w, -1.0, at.inner(w, reached, inner_batch)[2])
        squared = at.dot(q_w, q_w) + trees.vdot(q_v, q_v)
        product = at.dot(F_w, q_w) + trees.vdot(F_v, q_v)
        found = jnp.maximum(eta - product / jnp.where(squared > 0, squared, 1.0), 0.0)
        found = jnp.where(squared > 0, found, 0.0)
        aux = at.aux(value, extra, F_w, inner_value, inner_extra, multiplier=found)
        outer_grad, inner_grad = trees.add_scaled(F_w, found, q_w), trees.add_scaled(F_v, found, q_v)
        return Estimate(outer_grad, inner_grad, None, state, aux)

    return Estimator(stateless, f2sa if method == "f2sa" else bome, needs_inner_grad=method == "bome")
