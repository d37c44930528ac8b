"""Two fully first-order methods that compare the inner loss with its best value: BOME and F2SA."""

import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.estimator import Estimate, Estimator, Loss, stateless
from bilevel_jax.bilevel.hypergradient.first_order import Gradients, check_positive, descend

METHODS = ("f2sa", "bome")


def value_function(
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    method: str = "f2sa",
    step_size: float,
    steps: int = 1,
    multiplier: float = 10.0,
    eta: float = 0.5,
    has_aux: bool = False,
    axis_name: str | None = None,
    sharded_outer: bool = False,
) -> Estimator:
    """A hypergradient from first derivatives at two inner points.

    "f2sa" (two points): z by `steps` steps of gradient descent on f, y by as many on f + F / multiplier, both from v:
    g = F_w(w, y) + multiplier [f_w(w, y) - f_w(w, z)], with a bias of order 1 / multiplier. `inner_grad` is f_v: train
    the inner problem on its own loss. 3 `steps` + 3 backward passes.
    "bome": q = f(w, v) - f(w, v_T) with v_T by `steps` steps on f; both variables take grad F + lambda grad q, with
    lambda = max(eta - <grad F, grad q> / |grad q|^2, 0), so that q keeps falling. `inner_grad` is its v part.
    `steps` + 3 backward passes.

    Args:
      outer_loss, inner_loss, has_aux, axis_name, sharded_outer: as in `one_step`.
      method: "f2sa" or "bome".
      step_size: of the gradient descent in v.
      steps: T.
      multiplier: f2sa's lambda.
      eta: bome's.

    Returns:
      An Estimator without state. Aux: `outer_loss`, `inner_loss`, `outer_grad_norm` |F_w|, `multiplier`.

    References:
      Kwon et al., A Fully First-Order Method for Stochastic Bilevel Optimization, ICML 2023 (arXiv 2301.10945), eq. 4;
      Liu et al., BOME! Bilevel Optimization Made Easy, NeurIPS 2022 (arXiv 2209.08709), algorithm 1.
    """
    if method not in METHODS:
        raise ValueError(f"value_function needs method in {METHODS}, got {method!r}")
    check_positive("value_function", step_size=step_size, steps=steps, multiplier=multiplier, eta=eta)
    at = Gradients(outer_loss, inner_loss, has_aux, axis_name, sharded_outer)

    def f2sa(w, v, outer_batch, inner_batch, state):
        def inner(v):
            return at.inner_v(w, v, inner_batch)

        def penalised(v):
            return trees.add_scaled(inner(v), 1.0 / multiplier, at.outer(w, v, outer_batch)[3])

        z, y = descend(inner, v, step_size, steps), descend(penalised, v, step_size, steps)
        value, extra, F_w, _ = at.outer(w, y, outer_batch)
        inner_value, inner_extra, f_w_y, _ = at.inner(w, y, inner_batch)
        _, _, f_w_z, _ = at.inner(w, z, inner_batch)
        grad = trees.add_scaled(F_w, multiplier, trees.add_scaled(f_w_y, -1.0, f_w_z))
        aux = at.aux(has_aux, value, extra, F_w, inner_value, inner_extra, multiplier=jnp.asarray(multiplier))
        return Estimate(grad, inner(v), None, state, aux)

    def bome(w, v, outer_batch, inner_batch, state):
        reached = descend(lambda v: at.inner_v(w, v, inner_batch), v, step_size, steps)
        value, extra, F_w, F_v = at.outer(w, v, outer_batch)
        inner_value, inner_extra, f_w, q_v = at.inner(w, v, inner_batch)
        q_w = trees.add_scaled(f_w, -1.0, at.inner(w, reached, inner_batch)[2])
        squared = at.dot(q_w, q_w) + trees.vdot(q_v, q_v)
        product = at.dot(F_w, q_w) + trees.vdot(F_v, q_v)
        found = jnp.maximum(eta - product / jnp.where(squared > 0, squared, 1.0), 0.0)
        found = jnp.where(squared > 0, found, 0.0)
        aux = at.aux(has_aux, value, extra, F_w, inner_value, inner_extra, multiplier=found)
        grads = trees.add_scaled(F_w, found, q_w), trees.add_scaled(F_v, found, q_v)
        return Estimate(*grads, None, state, aux)

    return Estimator(stateless, f2sa if method == "f2sa" else bome)
