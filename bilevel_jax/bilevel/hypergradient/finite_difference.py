"""DARTS: one unrolled step, its second derivative by a central difference."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss, stateless, with_aux
from bilevel_jax.bilevel.hypergradient.method import EstimatorTraits
from bilevel_jax.bilevel.hypergradient.reduction import corrected


@EstimatorTraits(
    cost="4 B",
    exact_where="T = 1 unrolled, radius -> 0",
    paper="Liu et al. 2019 (DARTS), eq. 7-8",
    choose_for="one inner step looks far enough ahead",
    example={"step_size": 0.1},
    plain_gradients=lambda steps, coordinates: 2 + 2 * 2 / 3,
)
def finite_difference(
    context: Context, outer_loss: Loss, inner_loss: Loss, *, step_size: float, radius: float = 0.01
) -> Estimator:
    """The hypergradient through one inner step, with the product f_wv F_v by a central difference.

    With v' = v - step_size f_v and e = radius / |F_v(w, v')|:
    g = F_w(w, v') - step_size [f_w(w, v + e F_v) - f_w(w, v - e F_v)] / (2 e). The cost is four backward passes.

    Args:
      step_size: size of the inner step, above 0.
      radius: length of the difference's step in v, above 0; 0.01 is the paper's.

    Returns:
      An Estimator without state. Aux: `outer_loss` (at v'), `outer_grad_norm`, `correction_norm`.

    References:
      Liu, Simonyan and Yang, DARTS: Differentiable Architecture Search, ICLR 2019 (arXiv 1806.09055), equations 7-8.
    """
    if step_size <= 0 or radius <= 0:
        raise ValueError(f"finite_difference needs step_size > 0 and radius > 0, got {step_size} and {radius}")
    outer_gradients = jax.value_and_grad(with_aux(outer_loss, context), argnums=(0, 1), has_aux=True)
    axis_name = context.axis_name

    def inner_grad(argument, *arguments):
        return jax.grad(with_aux(inner_loss, context), argnums=argument, has_aux=True)(*arguments)[0]

    def estimate(outer_params, inner_params, outer_batch, inner_batch, state):
        outer_params, inner_params = trees.per_device((outer_params, inner_params), axis_name)
        f_v = trees.mean(inner_grad(1, outer_params, inner_params, inner_batch), axis_name)
        ahead = trees.per_device(trees.add_scaled(inner_params, -step_size, f_v), axis_name)
        (value, extra), (F_w, F_v) = outer_gradients(outer_params, ahead, outer_batch)
        F_v = trees.mean(F_v, axis_name)
        length = trees.norm(F_v)
        e = jnp.where(length > 0, radius / jnp.where(length > 0, length, 1.0), radius)
        above, below = (
            inner_grad(0, outer_params, trees.add_scaled(inner_params, sign * e, F_v), inner_batch) for sign in (1, -1)
        )
        difference = trees.add_scaled(above, -1.0, below)
        aux = {"outer_aux": extra} if context.has_aux else {}
        return corrected(context, F_w, difference, step_size / (2 * e), value, aux, state)

    return Estimator(stateless, estimate)
