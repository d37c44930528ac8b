"""The implicit hypergradient by conjugate gradients."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss, stateless
from bilevel_jax.bilevel.hypergradient.inner_curvature import implicit, zeros_like_inner
from bilevel_jax.bilevel.hypergradient.method import EstimatorTraits
from bilevel_jax.bilevel.loops import Loop, repeated, unrolls
from bilevel_jax.bilevel.skipped_steps import chosen


@EstimatorTraits(
    cost="1 B + (T + 1) H",
    exact_where="v = v*, f_vv positive definite",
    keeps="q, with `warm_start`",
    paper="Pedregosa 2016; Rajeswaran et al. 2019",
    choose_for="v well solved, curvature positive: the fewest products for a given error",
    plain_gradients=lambda steps, coordinates: 2 + 2 * steps + 4 / 3,
)
def conjugate_gradient(
    context: Context,
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    iterations: int = 10,
    damping: float = 0.0,
    tolerance: float = 0.0,
    warm_start: bool = False,
    loop: Loop = "auto",
) -> Estimator:
    """F_w - f_wv q with (f_vv + damping I) q = F_v by conjugate gradients.

    The result is exact at v* after as many iterations as f_vv has distinct eigenvalues. f_vv + damping I must be
    positive definite; the iteration stops where a direction has no positive curvature. The cost is one backward pass of
    the outer loss and iterations + 1 products with second derivatives (one more with `warm_start`).

    It is bad at noise and at negative curvature: the directions of one call assume one matrix, and small eigenvalues
    blow up the noise of a batch. With `warm_start` few iterations a call add up where f_vv changes slowly; where each
    batch has another f_vv, or the inner parameters jump, the last solution is a poor start.

    Args:
      iterations: number of steps of conjugate gradients, at least 1.
      damping: added to the eigenvalues of f_vv, at least 0.
      tolerance: the iteration stops where the residual is this much shorter than F_v, at least 0. 0 takes all steps.
      warm_start: whether an iteration starts from the last call's q, which the state then keeps, and not from 0.
      loop: "unroll" writes out every step, which is fast on CPU and slow to compile; "scan" compiles one step, and
        saves the products after it has stopped; "auto" writes out at most 16 steps.

    Returns:
      An Estimator without state, or with q for its state. Aux: `outer_loss`, `outer_grad_norm`, `correction_norm`,
      `residual_norm` (of the linear system), `iterations` (the steps that were taken).

    References:
      Pedregosa, Hyperparameter optimization with approximate gradient, ICML 2016 (arXiv 1602.02355); Rajeswaran et
      al., Meta-Learning with Implicit Gradients, NeurIPS 2019 (arXiv 1909.04630).
    """
    if iterations < 1 or damping < 0 or tolerance < 0:
        raise ValueError(
            "conjugate_gradient needs iterations >= 1, damping >= 0 and tolerance >= 0, got "
            f"{iterations}, {damping} and {tolerance}"
        )
    unrolls(loop, iterations)

    def solve(products, target, state):
        def product(p):
            return trees.add_scaled(products(p)[1], damping, p)

        least = tolerance**2 * trees.vdot(target, target)
        start, residual = trees.scaled(0.0, target), target
        if warm_start:
            start, residual = state, trees.add_scaled(target, -1.0, product(state))
        squared = trees.vdot(residual, residual)

        def goes_on(carry):
            return (carry[3] > least) & carry[5]

        def step(carry, _):
            q, residual, direction, squared, count, _ = carry
            image = product(direction)
            curvature = trees.vdot(direction, image)
            going = (curvature > 0) & (squared > 0)
            length = jnp.where(going, squared / jnp.where(going, curvature, 1.0), 0.0)
            q = trees.add_scaled(q, length, direction)
            residual = trees.add_scaled(residual, -length, image)
            following = trees.vdot(residual, residual)
            ratio = jnp.where(squared > 0, following / jnp.where(squared > 0, squared, 1.0), 0.0)
            direction = trees.add_scaled(residual, ratio, direction)
            return q, residual, direction, following, count + going.astype(jnp.int32), going

        def step_if_needed(carry, given):
            following = step(carry, given)
            return following if tolerance == 0 else chosen(goes_on(carry), following, carry)

        carry = (start, residual, residual, squared, jnp.zeros((), jnp.int32), jnp.asarray(True))
        if unrolls(loop, iterations, context.axis_name):
            carry = repeated(step_if_needed, carry, iterations, True)
        else:  # it ends early
            carry = jax.lax.while_loop(lambda c: goes_on(c) & (c[4] < iterations), lambda c: step(c, None), carry)
        q, _, _, squared, count, _ = carry
        aux = {"residual_norm": jnp.sqrt(squared), "iterations": count.astype(jnp.float32)}
        return products(q)[0], aux, q if warm_start else state

    return implicit(context, outer_loss, inner_loss, solve, zeros_like_inner if warm_start else stateless)
