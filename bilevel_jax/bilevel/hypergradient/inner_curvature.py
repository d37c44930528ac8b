"""Products with the second derivatives of the inner loss, and what every estimator that solves with them shares."""

from collections.abc import Callable

import jax

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss, stateless, with_aux, without_aux
from bilevel_jax.bilevel.hypergradient.reduction import corrected
from bilevel_jax.bilevel.trees import PyTree

# (the product v -> f_vv v, F_v) -> (q, entries of aux)
Solve = Callable[[Callable[[PyTree], PyTree], PyTree], tuple[PyTree, dict[str, PyTree]]]


def second_derivatives(
    inner_loss: Loss, outer_params: PyTree, inner_params: PyTree, batch: PyTree, axis_name: str | None
) -> Callable[[PyTree], tuple[PyTree, PyTree]]:
    """A function p -> (f_wv p, f_vv p) at one point, from ONE linearisation; reverse over reverse mode.

    Reverse mode twice goes through a `custom_vjp` as long as its backward function is differentiable; a JVP does not.

    Args:
      inner_loss: f, returning its scalar alone.
      outer_params, inner_params: the point (w, v); `p` has the shapes of v.
      batch: the inner batch.
      axis_name: the mapped axis over which f_vv p is averaged; f_wv p stays each device's own.
    """

    def inner_grad(w, v):
        return jax.grad(inner_loss, argnums=1)(w, v, batch)

    # pull: the transpose of the derivative of f_v, at a cotangent shaped as v
    pull: Callable[[PyTree], tuple[PyTree, PyTree]]
    _, pull = jax.vjp(inner_grad, outer_params, inner_params)

    def products(p):
        mixed, curved = pull(trees.per_device(p, axis_name))
        return mixed, trees.mean(curved, axis_name)

    return products


def implicit(context: Context, outer_loss: Loss, inner_loss: Loss, solve: Solve) -> Estimator:
    """The implicit-function hypergradient F_w - f_wv q, with q from `solve`."""
    outer_gradients = jax.value_and_grad(with_aux(outer_loss, context), argnums=(0, 1), has_aux=True)
    inner_scalar, axis_name = without_aux(inner_loss, context), context.axis_name

    def estimate(outer_params, inner_params, outer_batch, inner_batch, state):
        outer_params, inner_params = trees.per_device((outer_params, inner_params), axis_name)
        (value, extra), (F_w, F_v) = outer_gradients(outer_params, inner_params, outer_batch)
        F_v = trees.mean(F_v, axis_name)
        products = second_derivatives(inner_scalar, outer_params, inner_params, inner_batch, axis_name)
        q, aux = solve(lambda p: products(p)[1], F_v)
        if context.has_aux:
            aux["outer_aux"] = extra
        return corrected(context, F_w, products(q)[0], 1.0, value, aux, state)

    return Estimator(stateless, estimate)
