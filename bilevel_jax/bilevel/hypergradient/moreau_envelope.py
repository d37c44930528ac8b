"""The Moreau envelope of the inner problem in place of its value function."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimate, Estimator, Loss
from bilevel_jax.bilevel.hypergradient.loss_gradients import Gradients, check_positive
from bilevel_jax.bilevel.hypergradient.method import EstimatorTraits
from bilevel_jax.bilevel.loops import Loop, repeated, unrolls


@EstimatorTraits(
    cost="T + 3 B",
    exact_where="c -> inf AND v where `inner_grad` is 0; at v* it is F_w",
    keeps="theta, as large as v; `inner_grad`",
    paper="Liu et al. 2024 (MEHA)",
    choose_for="inner problems that are not convex, in one loop",
    example={"step_size": 0.1},
    plain_gradients=lambda steps, coordinates: 3 + 2 / 3,  # with one step of theta
)
def moreau_envelope(
    context: Context,
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    step_size: float,
    gamma: float = 1.0,
    c: float = 2.0,
    p: float = 0.25,
    steps: int = 1,
    loop: Loop = "auto",
) -> Estimator:
    """MEHA, a single-loop first-order method for inner problems that need not be convex.

    theta follows argmin f(w, theta) + |theta - v|^2 / (2 gamma) by `steps` gradient steps a call. With c_k = c (k+1)^p:
    g = F_w + c_k [f_w(w, v) - f_w(w, theta)], and `inner_grad` = F_v / c_k + f_v - (v - theta) / gamma, which the inner
    optimizer must take in place of f_v. (MEHA divides g by c_k; here it keeps the length of a hypergradient.) The
    hypergradient comes near the exact one as c_k grows only where v has followed `inner_grad` to its zero; at v* it is
    F_w, the answer of `ignore`.

    Args:
      step_size: size of theta's steps, above 0.
      gamma: width of the envelope, above 0; the larger, the nearer to the value function.
      c: the penalty's first value, above 0.
      p: the penalty's growth with the number k of calls, 0 <= p < 1/2.
      steps: number of theta's steps at each call, at least 1.
      loop: of theta's steps, as in `unrolled`.

    Returns:
      An Estimator whose state holds theta (shaped as the inner parameters) and the count of calls. Aux: `outer_loss`,
      `inner_loss`, `outer_grad_norm` |F_w|, `multiplier` c_k, `distance` |v - theta|.

    References:
      Liu et al., Moreau Envelope for Nonconvex Bi-Level Optimization, ICML 2024 (arXiv 2405.09927), algorithm 1.
    """
    check_positive("moreau_envelope", step_size=step_size, gamma=gamma, c=c, steps=steps)
    if not 0 <= p < 0.5:
        raise ValueError(f"moreau_envelope needs 0 <= p < 1/2, got {p}")
    unrolls(loop, steps)
    at = Gradients(context, outer_loss, inner_loss)

    def init(outer_params, inner_params):
        del outer_params
        return {"theta": jax.tree.map(jnp.array, inner_params), "count": jnp.zeros((), jnp.int32)}

    def estimate(w, v, outer_batch, inner_batch, state):
        def nearer(theta, _):
            pull = trees.scaled(1.0 / gamma, trees.add_scaled(theta, -1.0, v))
            return trees.add_scaled(theta, -step_size, trees.add_scaled(at.inner_v(w, theta, inner_batch), 1.0, pull))

        theta = repeated(nearer, state["theta"], steps, unrolls(loop, steps, context.axis_name))
        multiplier = c * (1.0 + state["count"].astype(jnp.result_type(float))) ** p
        value, extra, F_w, F_v = at.outer(w, v, outer_batch)
        inner_value, inner_extra, f_w, f_v = at.inner(w, v, inner_batch)
        q_w = trees.add_scaled(f_w, -1.0, at.inner(w, theta, inner_batch)[2])
        apart = trees.add_scaled(v, -1.0, theta)
        inner_grad = trees.add_scaled(trees.add_scaled(f_v, 1.0 / multiplier, F_v), -1.0 / gamma, apart)
        told = {"multiplier": multiplier, "distance": trees.norm(apart)}
        aux = at.aux(value, extra, F_w, inner_value, inner_extra, **told)
        state = {"theta": theta, "count": state["count"] + 1}
        return Estimate(trees.add_scaled(F_w, multiplier, q_w), inner_grad, None, state, aux)

    return Estimator(init, estimate, needs_inner_grad=True)
