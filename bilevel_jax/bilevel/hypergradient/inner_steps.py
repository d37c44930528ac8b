"""The steps of an inner optimizer as a function of the outer variable, and what may depend on that variable."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import optax
from jax.extend.core import Literal
from jaxtyping import Array

from bilevel_jax.bilevel.trees import PyTree

# A transform, or a function of the outer variable that makes one: a learning rate may be the outer variable.
InnerOptimizer: TypeAlias = optax.GradientTransformation | Callable[[PyTree], optax.GradientTransformation]
Start = Callable[[PyTree, PyTree], PyTree]  # (outer_params, inner_params) -> where the inner steps start


def optimizer_at(inner_optimizer: InnerOptimizer, outer_params: PyTree) -> optax.GradientTransformation:
    """The inner optimizer for a value of the outer variable."""
    if isinstance(inner_optimizer, optax.GradientTransformation) or not callable(inner_optimizer):
        return inner_optimizer
    return inner_optimizer(outer_params)


def check_reached(losses: Callable[[PyTree], Any], outer_params: PyTree) -> None:
    """Raises ValueError where the outer variable changes neither of the two losses, so that its gradient is 0."""
    jaxpr = jax.make_jaxpr(losses)(outer_params).jaxpr
    reached = set(jaxpr.invars)
    for equation in jaxpr.eqns:
        if any(not isinstance(var, Literal) and var in reached for var in equation.invars):
            reached |= set(equation.outvars)
    if not any(not isinstance(var, Literal) and var in reached for var in jaxpr.outvars):
        raise ValueError(
            "the outer variable is in neither loss, so its gradient would be 0. For a learning rate pass "
            "inner_optimizer=lambda w: optax.sgd(w), for an initialisation start=lambda w, v: w"
        )


@jax.custom_vjp
def without_nan_cotangent(grad: Array) -> Array:
    """The same array; in reverse mode a NaN that comes back to a coordinate that is 0 counts as 0.

    The root in Adam and RMSProp has an infinite slope where all gradients so far were 0, as for a dead ReLU. Such a
    coordinate does not move, so its derivative is 0, where 0 times infinity gives NaN.
    """
    return grad


def _forward(grad: Array) -> tuple[Array, Array]:
    return grad, grad == 0


def _backward(zero: Array, cotangent: Array) -> tuple[Array]:
    return (jnp.where(zero & jnp.isnan(cotangent), jnp.zeros((), cotangent.dtype), cotangent),)


without_nan_cotangent.defvjp(_forward, _backward)


@jax.custom_jvp
def without_nan_tangent(update: Array, grad: Array) -> Array:
    """The same update; in forward mode its tangent is 0, and not NaN, where the gradient is 0."""
    del grad
    return update


@without_nan_tangent.defjvp
def _without_nan_tangent_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    update, grad = primals
    moved = tangents[0]
    return update, jnp.where((grad == 0) & jnp.isnan(moved), jnp.zeros((), moved.dtype), moved)
