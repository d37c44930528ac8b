"""The steps of an inner optimizer as a function of the outer variable, and what may depend on that variable."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias, cast

import jax
import jax.numpy as jnp
import optax
from jax.extend.core import Literal
from jaxtyping import Array

from bilevel_jax.bilevel.hypergradient.injected_rates import (
    entries,
    holds_numbers,
    injected,
    with_numbers,
    with_numbers_of,
)
from bilevel_jax.bilevel.trees import PyTree

# A transform, or a function of the outer variable that makes one: a learning rate may be the outer variable.
InnerOptimizer: TypeAlias = optax.GradientTransformation | Callable[[PyTree], optax.GradientTransformation]
Start = Callable[[PyTree, PyTree], PyTree]  # (outer_params, inner_params) -> where the inner steps start


def by_outer(inner_optimizer: InnerOptimizer) -> bool:
    """Whether an inner optimizer is a function of the outer variable."""
    return callable(inner_optimizer) and not isinstance(inner_optimizer, optax.GradientTransformation)


def optimizer_at(inner_optimizer: InnerOptimizer, outer_params: PyTree) -> optax.GradientTransformation:
    """The inner optimizer for a value of the outer variable."""
    return inner_optimizer(outer_params) if by_outer(inner_optimizer) else inner_optimizer


def state_at(
    inner_optimizer: InnerOptimizer, outer_params: PyTree, inner_params: PyTree, state: PyTree, rates: Collection[str]
) -> PyTree:
    """The optimizer's state for a value of the outer variable.

    The numbers that `optax.inject_hyperparams` keeps in the state are those of the outer variable: of the optimizer
    that the function makes, or of the entries named in `rates`.
    """
    if by_outer(inner_optimizer):
        if not holds_numbers(state):
            return state
        return with_numbers_of(state, optimizer_at(inner_optimizer, outer_params).init(inner_params))
    return with_numbers(state, {name: value for name, value in entries(outer_params).items() if name in rates})


def check_effect(
    read: Callable[[PyTree], Any],
    inner_optimizer: InnerOptimizer,
    outer_params: PyTree,
    inner_params: PyTree,
    state: PyTree,
    starts_by_outer: bool,
) -> set[str]:
    """Names the entries of the outer variable that stand for numbers of `optax.inject_hyperparams`.

    Args:
      read: a function of the outer variable to all that the two losses, their inner gradients and the start give.
      inner_optimizer: the optimizer, or a function of the outer variable that makes it.
      outer_params: the outer variable.
      inner_params: where the steps start.
      state: the optimizer's.
      starts_by_outer: whether the start is a function of the outer variable.

    Raises:
      ValueError: the outer variable cannot change what the inner steps reach, so that its gradient is 0.
    """
    if by_outer(inner_optimizer):
        zeros = jax.tree.map(jnp.zeros_like, inner_params)

        def update(w):
            at = state_at(inner_optimizer, w, inner_params, state, ())
            return optimizer_at(inner_optimizer, w).update(zeros, at, inner_params)[0]

        if _reaches(lambda w: optimizer_at(inner_optimizer, w).init(inner_params), outer_params) and not _reaches(
            update, outer_params
        ):
            raise ValueError(
                "inner_optimizer keeps the outer variable in its state, so its gradient would be 0: pass "
                "inner_optimizer=lambda w: optax.sgd(w)"
            )
        return set()
    rates: set[str] = set()
    if holds_numbers(state):
        rates = set(injected(outer_params, state, _entries_read(read, outer_params)))
    if not rates and not starts_by_outer and not _reaches(read, outer_params):
        raise ValueError(
            "the outer variable is in neither loss, so its gradient would be 0. For a learning rate pass "
            "inner_optimizer=lambda w: optax.sgd(w), for an initialisation start=lambda w, v: w"
        )
    return rates


def _entries_read(function: Callable[[PyTree], Any], outer_params: PyTree) -> set[str]:
    """The names of the entries of the outer variable that any result of a function depends on."""
    if not isinstance(outer_params, Mapping):
        return set(entries(outer_params)) if _reaches(function, outer_params) else set()
    others, kind = dict(outer_params), cast(Callable[[dict[str, Any]], PyTree], type(outer_params))

    def reads(name: str, value: PyTree) -> bool:
        return _reaches(lambda part: function(kind(others | {name: part})), value)

    return {name for name, value in entries(outer_params).items() if reads(name, value)}


def _reaches(function: Callable[[PyTree], Any], argument: PyTree) -> bool:
    """Whether any result of a function depends on its argument."""
    jaxpr = jax.make_jaxpr(function)(argument).jaxpr
    reached = set(jaxpr.invars)
    for equation in jaxpr.eqns:
        if any(not isinstance(var, Literal) and var in reached for var in equation.invars):
            reached |= set(equation.outvars)
    return any(not isinstance(var, Literal) and var in reached for var in jaxpr.outvars)


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
