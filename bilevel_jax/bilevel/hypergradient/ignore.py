"""No hypergradient at all: the partial derivative of the outer loss alone."""

import jax

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimate, Estimator, Loss, stateless, with_aux
from bilevel_jax.bilevel.hypergradient.method import EstimatorTraits
from bilevel_jax.bilevel.hypergradient.reduction import outer_norm, reduce_outer


@EstimatorTraits(
    cost="1 B",
    exact_where="F does not depend on v, or F = f at v*",
    choose_for="the baseline; w acts on F directly",
    plain_gradients=lambda steps, coordinates: 2 / 3,
)
def ignore(context: Context, outer_loss: Loss, inner_loss: Loss | None = None) -> Estimator:
    """The partial derivative F_w, which takes v* for a constant.

    It is exact where F does not depend on v, or where F = f at v* (envelope theorem), and is the baseline that every
    other estimator has to beat. The cost is one backward pass. The inner batch is never looked at.

    Args:
      inner_loss: never looked at.

    Returns:
      An Estimator without state. Aux: `outer_loss`, `outer_grad_norm` |F_w|.
    """
    del inner_loss
    outer_with_aux = with_aux(outer_loss, context)

    def estimate(outer_params, inner_params, outer_batch, inner_batch, state):
        del inner_batch
        outer_params, inner_params = trees.per_device((outer_params, inner_params), context.axis_name)
        (value, extra), grad = jax.value_and_grad(outer_with_aux, has_aux=True)(outer_params, inner_params, outer_batch)
        grad = reduce_outer(grad, context)
        aux = {
            "outer_loss": trees.mean(value, context.axis_name),
            "outer_grad_norm": outer_norm(grad, context),
        }
        if context.has_aux:
            aux["outer_aux"] = extra
        return Estimate(grad, None, None, state, aux)

    return Estimator(stateless, estimate, needs_inner_loss=False)
