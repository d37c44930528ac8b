"""No hypergradient at all: the partial derivative of the outer loss alone."""

import jax

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.estimator import Estimate, Estimator, Loss, stateless, with_aux
from bilevel_jax.bilevel.hypergradient.reduction import outer_norm, reduce_outer


def ignore(
    outer_loss: Loss,
    inner_loss: Loss | None = None,
    *,
    has_aux: bool = False,
    axis_name: str | None = None,
    sharded_outer: bool = False,
) -> Estimator:
    """The partial derivative F_w, which takes v* for a constant; one backward pass.

    It is exact where F does not depend on v, or where F = f at v* (envelope theorem), and is the baseline that every
    other estimator has to beat. `inner_loss` and the inner batch are never looked at; the other arguments are those
    of `one_step`. Aux: `outer_loss`, `outer_grad_norm` |F_w|, and `outer_aux` where `has_aux`.
    """
    del inner_loss
    outer_loss = with_aux(outer_loss, has_aux)

    def estimate(outer_params, inner_params, outer_batch, inner_batch, state):
        del inner_batch
        outer_params, inner_params = trees.per_device((outer_params, inner_params), axis_name)
        (value, extra), grad = jax.value_and_grad(outer_loss, has_aux=True)(outer_params, inner_params, outer_batch)
        grad = reduce_outer(grad, axis_name, sharded_outer)
        aux = {
            "outer_loss": trees.mean(value, axis_name),
            "outer_grad_norm": outer_norm(grad, axis_name, sharded_outer),
        }
        if has_aux:
            aux["outer_aux"] = extra
        return Estimate(grad, None, None, state, aux)

    return Estimator(stateless, estimate, needs_inner_loss=False)
