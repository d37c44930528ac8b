"""Products with the second derivatives of the inner loss, and what every estimator that solves with them shares."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss, stateless, with_aux, without_aux
from bilevel_jax.bilevel.hypergradient.reduction import corrected
from bilevel_jax.bilevel.skipped_steps import unless_spoilt
from bilevel_jax.bilevel.trees import PyTree

Products = Callable[[PyTree], tuple[PyTree, PyTree]]  # p -> (f_wv p, f_vv p)
# (products, F_v, state) -> (f_wv q for the q that was found, entries of aux, the next state)
Solve = Callable[[Products, PyTree, PyTree], tuple[PyTree, dict[str, PyTree], PyTree]]


def second_derivatives(
    inner_loss: Loss, outer_params: PyTree, inner_params: PyTree, batch: PyTree, axis_name: str | None
) -> Products:
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


def implicit(
    context: Context,
    outer_loss: Loss,
    inner_loss: Loss,
    solve: Solve,
    init: Callable[[PyTree, PyTree], PyTree] = stateless,
) -> Estimator:
    """The implicit-function hypergradient F_w - f_wv q, with q from `solve`; a NaN never enters the state."""
    outer_gradients = jax.value_and_grad(with_aux(outer_loss, context), argnums=(0, 1), has_aux=True)
    inner_scalar, axis_name = without_aux(inner_loss, context), context.axis_name

    def estimate(outer_params, inner_params, outer_batch, inner_batch, state):
        outer_params, inner_params = trees.per_device((outer_params, inner_params), axis_name)
        (value, extra), (F_w, F_v) = outer_gradients(outer_params, inner_params, outer_batch)
        F_v = trees.mean(F_v, axis_name)
        products = second_derivatives(inner_scalar, outer_params, inner_params, inner_batch, axis_name)
        mixed, aux, after = solve(products, F_v, state)
        if context.has_aux:
            aux["outer_aux"] = extra
        return corrected(context, F_w, mixed, 1.0, value, aux, unless_spoilt(after, state))

    return Estimator(init, estimate)


def zeros_like_inner(outer_params: PyTree, inner_params: PyTree) -> PyTree:
    """The `init` of an estimator that keeps its solution q, from 0 on."""
    return jax.tree.map(jnp.zeros_like, inner_params)
