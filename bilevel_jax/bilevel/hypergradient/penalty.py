"""The inner problem's optimality as a penalty on the outer loss."""

import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.estimator import Estimate, Estimator, Loss, stateless
from bilevel_jax.bilevel.hypergradient.first_order import Gradients, check_positive, descend
from bilevel_jax.bilevel.hypergradient.inner_curvature import second_derivatives
from bilevel_jax.bilevel.hypergradient.reduction import reduce_outer

KINDS = ("value", "gradient")


def penalty(
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    gamma: float = 10.0,
    kind: str = "value",
    step_size: float = 0.1,
    steps: int = 1,
    has_aux: bool = False,
    axis_name: str | None = None,
    sharded_outer: bool = False,
) -> Estimator:
    """The gradient in both variables of F + gamma * penalty, whose minimisers come near those of the bilevel problem.

    "value": the penalty f(w, v) - min f(w, .), the minimum by `steps` gradient steps from v; first-order throughout.
    "gradient": the penalty |f_v|^2 / 2, with one product with second derivatives (reverse over reverse mode).
    The two variables are to be stepped together: take `inner_grad` in place of f_v.

    Args:
      outer_loss, inner_loss, has_aux, axis_name, sharded_outer: as in `one_step`.
      gamma: the weight of the penalty; the larger, the nearer to the bilevel problem and the stiffer.
      kind: "value" or "gradient".
      step_size, steps: of the descent to the minimum, for "value".

    Returns:
      An Estimator without state. Aux: `outer_loss`, `inner_loss`, `outer_grad_norm` |F_w|, `multiplier` gamma.

    References:
      Shen and Chen, On Penalty-Based Bilevel Gradient Descent Method, ICML 2023 (arXiv 2302.05185) (both kinds);
      Mehra and Hamm, Penalty Method for Inversion-Free Deep Bilevel Optimization, ACML 2021 (arXiv 1911.03432).
    """
    if kind not in KINDS:
        raise ValueError(f"penalty needs kind in {KINDS}, got {kind!r}")
    check_positive("penalty", gamma=gamma, step_size=step_size, steps=steps)
    at = Gradients(outer_loss, inner_loss, has_aux, axis_name, sharded_outer)
    scalar = (lambda w, v, batch: inner_loss(w, v, batch)[0]) if has_aux else inner_loss

    def estimate(w, v, outer_batch, inner_batch, state):
        value, extra, F_w, F_v = at.outer(w, v, outer_batch)
        inner_value, inner_extra, f_w, f_v = at.inner(w, v, inner_batch)
        if kind == "value":
            best = descend(lambda v: at.inner_v(w, v, inner_batch), v, step_size, steps)
            p_w, p_v = trees.add_scaled(f_w, -1.0, at.inner(w, best, inner_batch)[2]), f_v
        else:
            products = second_derivatives(scalar, *trees.per_device((w, v), axis_name), inner_batch, axis_name)
            mixed, p_v = products(f_v)
            p_w = reduce_outer(mixed, axis_name, sharded_outer)
        aux = at.aux(has_aux, value, extra, F_w, inner_value, inner_extra, multiplier=jnp.asarray(gamma))
        grads = trees.add_scaled(F_w, gamma, p_w), trees.add_scaled(F_v, gamma, p_v)
        return Estimate(*grads, None, state, aux)

    return Estimator(stateless, estimate)
