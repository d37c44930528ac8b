"""No hypergradient at all: the partial derivative of the outer loss alone."""

import jax

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.estimator import Estimate, Estimator, Loss, stateless, with_aux


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
            "outer_grad_norm": outer_vdot(grad, grad, axis_name, sharded_outer) ** 0.5,
        }
        if has_aux:
            aux["outer_aux"] = extra
        return Estimate(grad, None, None, state, aux)

    return Estimator(stateless, estimate, needs_inner_loss=False)


def reduce_outer(grad, axis_name: str | None, sharded_outer: bool):
    """A device's own gradient of its own loss, turned into that of the mean loss over all devices.

    A replicated variable takes the mean; each device's part of a sharded one feels only that device's loss, which
    counts 1 / devices in the mean.
    """
    if axis_name is None:
        return grad
    if sharded_outer:
        return trees.scaled(1.0 / jax.lax.axis_size(axis_name), grad)
    return jax.lax.pmean(grad, axis_name)


def outer_vdot(a, b, axis_name: str | None, sharded_outer: bool):
    """The inner product of two reduced outer gradients, over the parts of all devices where they are sharded."""
    return trees.total(trees.vdot(a, b), axis_name if sharded_outer else None)
