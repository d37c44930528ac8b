"""How outer gradients are reduced over devices, and how an estimate is put together from its two parts."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimate
from bilevel_jax.bilevel.trees import PyTree


def reduce_outer(grad: PyTree, context: Context) -> PyTree:
    """Turns a device's own gradient of its own loss into that of the mean loss over all devices.

    A replicated variable takes the mean of the devices' gradients. Each device's part of a sharded variable affects
    only that device's loss, which counts 1 / devices in the mean.
    """
    if context.axis_name is None:
        return grad
    if context.sharded_outer:
        return trees.scaled(1.0 / jax.lax.axis_size(context.axis_name), grad)
    return jax.lax.pmean(grad, context.axis_name)


def outer_vdot(a: PyTree, b: PyTree, context: Context) -> Float[Array, ""]:
    """The inner product of two reduced outer gradients, over the parts of all devices where they are sharded."""
    return trees.total(trees.vdot(a, b), context.axis_name if context.sharded_outer else None)


def outer_norm(grad: PyTree, context: Context) -> Float[Array, ""]:
    """The length of a reduced outer gradient."""
    return jnp.sqrt(outer_vdot(grad, grad, context))


def corrected(
    context: Context,
    F_w: PyTree,
    mixed: PyTree,
    scale: Float[Array, ""] | float,
    outer_loss: Float[Array, ""],
    aux: dict[str, PyTree],
    state: PyTree,
) -> Estimate:
    """The estimate F_w - scale * mixed.

    Args:
      context: says how devices share the problem.
      F_w: this device's partial derivative of its outer loss.
      mixed: this device's correction, shaped as F_w.
      scale: the factor of the correction.
      outer_loss: the value of this device's outer loss.
      aux: for logs; `outer_loss`, `outer_grad_norm` and `correction_norm` are added.
      state: the estimator's next state.
    """
    F_w, mixed = reduce_outer((F_w, mixed), context)
    common = {"outer_loss": trees.mean(outer_loss, context.axis_name), "outer_grad_norm": outer_norm(F_w, context)}
    factor = jnp.abs(scale) if isinstance(scale, jax.Array) else abs(scale)
    aux = common | {"correction_norm": factor * outer_norm(mixed, context)} | aux
    return Estimate(trees.add_scaled(F_w, -scale, mixed), None, None, state, aux)
