"""The implicit hypergradient by a Neumann series."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss
from bilevel_jax.bilevel.hypergradient.inner_curvature import implicit
from bilevel_jax.bilevel.hypergradient.method import EstimatorTraits
from bilevel_jax.bilevel.loops import Loop, repeated, unrolls
from bilevel_jax.bilevel.skipped_steps import chosen


@EstimatorTraits(
    cost="1 B + (T + 1) H",
    exact_where="v = v*, T -> inf, step < 2 / largest eigenvalue",
    paper="Lorraine et al. 2020",
    choose_for="v nearly solved: T terms are T unrolled steps of gradient descent, without their memory",
    example={"step_size": 0.1},
    plain_gradients=lambda steps, coordinates: 2 + 2 * steps + 4 / 3,
)
def neumann(
    context: Context,
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    step_size: float,
    iterations: int = 10,
    tolerance: float = 0.0,
    loop: Loop = "auto",
) -> Estimator:
    """F_w - f_wv q with q = step_size * sum over j = 0..iterations of (I - step_size f_vv)^j F_v.

    The series converges to the implicit hypergradient for step sizes below 2 / (largest eigenvalue of f_vv), with the
    factor 1 - step_size * (smallest eigenvalue). Cut off after J terms it equals unrolling J steps of gradient descent
    near v*.

    Args:
      step_size: step size of the series, above 0.
      iterations: number of terms after the first, at least 0.
      tolerance: the series stops where its last term is this much shorter than F_v, at least 0. 0 takes all terms.
      loop: as in `conjugate_gradient`.

    Returns:
      An Estimator without state. Aux: `outer_loss`, `outer_grad_norm`, `correction_norm`, `residual_norm` (the length
      of the last term), `iterations` (the terms after the first that were taken).

    References:
      Lorraine, Vicol and Duvenaud, Optimizing Millions of Hyperparameters by Implicit Differentiation, AISTATS 2020
      (arXiv 1911.02590), algorithm 3.
    """
    if iterations < 0 or step_size <= 0 or tolerance < 0:
        raise ValueError(
            "neumann needs iterations >= 0, step_size > 0 and tolerance >= 0, got "
            f"{iterations}, {step_size} and {tolerance}"
        )
    unrolls(loop, iterations)

    def solve(products, target, state):
        least = tolerance**2 * trees.vdot(target, target)

        def goes_on(carry):
            return trees.vdot(carry[0], carry[0]) > least

        def step(carry, _):
            term, total, count = carry
            term = trees.add_scaled(term, -step_size, products(term)[1])
            return term, trees.add_scaled(total, 1.0, term), count + 1

        def step_if_needed(carry, given):
            return step(carry, given) if tolerance == 0 else chosen(goes_on(carry), step(carry, given), carry)

        carry = (target, target, jnp.zeros((), jnp.int32))
        if tolerance == 0 or unrolls(loop, iterations, context.axis_name):
            unroll = unrolls(loop, iterations, context.axis_name)
            carry = repeated(step_if_needed, carry, iterations, unroll)
        else:  # it ends early
            carry = jax.lax.while_loop(lambda c: goes_on(c) & (c[2] < iterations), lambda c: step(c, None), carry)
        term, total, count = carry
        mixed, _ = products(trees.scaled(step_size, total))
        return mixed, {"residual_norm": trees.norm(term), "iterations": count.astype(jnp.float32)}, state

    return implicit(context, outer_loss, inner_loss, solve)
