"""DARTS: one unrolled step, its second derivative by a central difference."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss, stateless, with_aux
from bilevel_jax.bilevel.hypergradient.reduction import corrected


def finite_difference(
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    step_size: float,
    radius: float = 0.01,
    has_aux: bool = False,
    axis_name: str | None = None,
    sharded_outer: bool = False,
) -> Estimator:
    """The hypergradient through one inner step of `step_size`, f_wv F_v by a central difference: four backward passes.

    With v' = v - step_size f_v and e = radius / |F_v(w, v')|:
    g = F_w(w, v') - step_size [f_w(w, v + e F_v) - f_w(w, v - e F_v)] / (2 e). The other arguments are those of
    `one_step`. Aux: `outer_loss` (at v'), `outer_grad_norm`, `correction_norm`.

    References:
      Liu, Simonyan and Yang, DARTS: Differentiable Architecture Search, ICLR 2019 (arXiv 1806.09055), equations 7-8;
      radius 0.01 is the paper's.
    """
    if step_size <= 0 or radius <= 0:
        raise ValueError(f"finite_difference needs step_size > 0 and radius > 0, got {step_size} and {radius}")
    outer_gradients = jax.value_and_grad(with_aux(outer_loss, has_aux), argnums=(0, 1), has_aux=True)

    def inner_grad(argument, *arguments):
        return jax.grad(with_aux(inner_loss, has_aux), argnums=argument, has_aux=True)(*arguments)[0]

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
        aux = {"outer_aux": extra} if has_aux else {}
        return corrected(F_w, difference, step_size / (2 * e), value, aux, state, axis_name, sharded_outer)

    return Estimator(stateless, estimate)
