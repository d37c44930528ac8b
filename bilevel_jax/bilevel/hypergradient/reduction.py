"""How outer gradients are reduced over devices, and how an estimate is put together from its two parts."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.estimator import Estimate


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


def outer_norm(grad, axis_name: str | None, sharded_outer: bool):
    """The length of a reduced outer gradient."""
    return jnp.sqrt(outer_vdot(grad, grad, axis_name, sharded_outer))


def corrected(F_w, mixed, scale, value, aux, state, axis_name: str | None, sharded_outer: bool) -> Estimate:
    """The estimate F_w - scale * mixed of two gradients of a device's own losses, `value` that of its outer loss.

    `outer_loss`, `outer_grad_norm` and `correction_norm` join `aux`.
    """
    F_w, mixed = reduce_outer((F_w, mixed), axis_name, sharded_outer)
    aux = {
        "outer_loss": trees.mean(value, axis_name),
        "outer_grad_norm": outer_norm(F_w, axis_name, sharded_outer),
        "correction_norm": abs(scale) * outer_norm(mixed, axis_name, sharded_outer),
        **aux,
    }
    return Estimate(trees.add_scaled(F_w, -scale, mixed), None, None, state, aux)
