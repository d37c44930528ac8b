"""Products with the second derivatives of the inner loss, and what every estimator that solves with them shares."""

import jax

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss, stateless, with_aux
from bilevel_jax.bilevel.hypergradient.reduction import corrected


def second_derivatives(inner_loss: Loss, outer_params, inner_params, batch, axis_name):
    """A function p -> (f_wv p, f_vv p) at one point, from ONE linearisation; reverse over reverse mode.

    Reverse mode twice goes through a `custom_vjp` as long as its backward function is differentiable; a JVP does not.
    """

    def inner_grad(w, v):
        return jax.grad(inner_loss, argnums=1)(w, v, batch)

    _, pull = jax.vjp(inner_grad, outer_params, inner_params)

    def products(p):
        mixed, curved = pull(trees.per_device(p, axis_name))
        return mixed, trees.mean(curved, axis_name)

    return products


def implicit(outer_loss, inner_loss, solve, *, has_aux, axis_name, sharded_outer) -> Estimator:
    """The implicit-function hypergradient F_w - f_wv q, q from `solve(product with f_vv, F_v) -> (q, aux)`."""
    outer_gradients = jax.value_and_grad(with_aux(outer_loss, has_aux), argnums=(0, 1), has_aux=True)
    inner_scalar = (lambda w, v, batch: inner_loss(w, v, batch)[0]) if has_aux else inner_loss

    def estimate(outer_params, inner_params, outer_batch, inner_batch, state):
        outer_params, inner_params = trees.per_device((outer_params, inner_params), axis_name)
        (value, extra), (F_w, F_v) = outer_gradients(outer_params, inner_params, outer_batch)
        F_v = trees.mean(F_v, axis_name)
        products = second_derivatives(inner_scalar, outer_params, inner_params, inner_batch, axis_name)
        q, aux = solve(lambda p: products(p)[1], F_v)
        if has_aux:
            aux["outer_aux"] = extra
        return corrected(F_w, products(q)[0], 1.0, value, aux, state, axis_name, sharded_outer)

    return Estimator(stateless, estimate)
