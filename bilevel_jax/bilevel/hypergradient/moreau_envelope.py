"""The Moreau envelope of the inner problem in place of its value function."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.estimator import Estimate, Estimator, Loss
from bilevel_jax.bilevel.hypergradient.first_order import Gradients, check_positive


def moreau_envelope(
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    step_size: float,
    gamma: float = 1.0,
    c: float = 2.0,
    p: float = 0.25,
    steps: int = 1,
    has_aux: bool = False,
    axis_name: str | None = None,
    sharded_outer: bool = False,
) -> Estimator:
    """MEHA, a single-loop first-order method for inner problems that need not be convex.

    theta follows argmin f(w, theta) + |theta - v|^2 / (2 gamma) by `steps` gradient steps a call; with c_k = c (k+1)^p:
    g = F_w + c_k [f_w(w, v) - f_w(w, theta)], and `inner_grad` = F_v / c_k + f_v - (v - theta) / gamma. (MEHA divides
    g by c_k; here it keeps the length of a hypergradient.)

    Args:
      outer_loss, inner_loss, has_aux, axis_name, sharded_outer: as in `one_step`.
      step_size: of theta's steps.
      gamma: of the envelope.
      c, p: the penalty's first value and its growth with the number k of calls, 0 <= p < 1/2.
      steps: of theta, at each call.

    Returns:
      An Estimator whose state holds theta (shaped as the inner parameters) and the count of calls. Aux: `outer_loss`,
      `inner_loss`, `outer_grad_norm` |F_w|, `multiplier` c_k, `distance` |v - theta|.

    References:
      Liu et al., Moreau Envelope for Nonconvex Bi-Level Optimization, ICML 2024 (arXiv 2405.09927), algorithm 1.
    """
    check_positive("moreau_envelope", step_size=step_size, gamma=gamma, c=c, steps=steps)
    if not 0 <= p < 0.5:
        raise ValueError(f"moreau_envelope needs 0 <= p < 1/2, got {p}")
    at = Gradients(outer_loss, inner_loss, has_aux, axis_name, sharded_outer)

    def init(outer_params, inner_params):
        del outer_params
        return {"theta": jax.tree.map(jnp.array, inner_params), "count": jnp.zeros((), jnp.int32)}

    def estimate(w, v, outer_batch, inner_batch, state):
        theta = state["theta"]
        for _ in range(steps):
            pull = trees.scaled(1.0 / gamma, trees.add_scaled(theta, -1.0, v))
            theta = trees.add_scaled(theta, -step_size, trees.add_scaled(at.inner_v(w, theta, inner_batch), 1.0, pull))
        multiplier = c * (1.0 + state["count"]) ** p
        value, extra, F_w, F_v = at.outer(w, v, outer_batch)
        inner_value, inner_extra, f_w, f_v = at.inner(w, v, inner_batch)
        q_w = trees.add_scaled(f_w, -1.0, at.inner(w, theta, inner_batch)[2])
        apart = trees.add_scaled(v, -1.0, theta)
        inner_grad = trees.add_scaled(trees.add_scaled(f_v, 1.0 / multiplier, F_v), -1.0 / gamma, apart)
        aux = at.aux(
            has_aux, value, extra, F_w, inner_value, inner_extra, multiplier=multiplier, distance=trees.norm(apart)
        )
        state = {"theta": theta, "count": state["count"] + 1}
        return Estimate(trees.add_scaled(F_w, multiplier, q_w), inner_grad, None, state, aux)

    return Estimator(init, estimate)
