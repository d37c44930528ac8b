"""What every hypergradient estimator is: a pair of pure functions, as optax's transforms are."""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

from jaxtyping import Array, Float

from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.trees import PyTree

# (outer_params, inner_params, batch) -> scalar, or (scalar, aux) where the context's `has_aux` says so
Loss = Callable[[PyTree, PyTree, PyTree], Any]
LossWithAux = Callable[[PyTree, PyTree, PyTree], tuple[Float[Array, ""], PyTree]]


class Estimate(NamedTuple):
    """What an estimator returns; `outer_grad` has the structure, shapes and types of the outer parameters."""

    outer_grad: PyTree  # the hypergradient
    inner_grad: PyTree | None  # None: train the inner problem on its own loss; else what its optimizer takes instead
    inner_params: PyTree | None  # None, or the inner parameters that the estimator arrived at
    state: PyTree
    aux: dict[str, PyTree]  # float32 scalars: loss values, rho, norms; for logs


class Estimator(NamedTuple):
    """A hypergradient estimator of `min_w F(w, v*(w))  s.t.  v*(w) in argmin_v f(w, v)`.

    Attributes:
      init: a function (outer_params, inner_params) -> state, () where the estimator keeps none.
      estimate: a function (outer_params, inner_params, outer_batch, inner_batch, state) -> Estimate.
      needs_inner_loss: False where the inner loss and the inner batch are never looked at.
      needs_inner_grad: True where the hypergradient is right only if the inner optimizer takes `inner_grad` in place of
        f_v.
    """

    init: Callable[[PyTree, PyTree], PyTree]
    estimate: Callable[[PyTree, PyTree, PyTree, PyTree, PyTree], Estimate]
    needs_inner_loss: bool = True
    needs_inner_grad: bool = False


def stateless(outer_params: PyTree, inner_params: PyTree) -> tuple[()]:
    """The `init` of an estimator that keeps no state."""
    return ()


def with_aux(loss: Loss, context: Context) -> LossWithAux:
    """The same loss, returning (scalar, aux) whether or not it did before (aux is {} where it did not)."""
    if context.has_aux:
        return cast(LossWithAux, loss)
    return lambda outer_params, inner_params, batch: (loss(outer_params, inner_params, batch), {})


def without_aux(loss: Loss, context: Context) -> Loss:
    """The same loss, returning its scalar alone."""
    if context.has_aux:
        return lambda outer_params, inner_params, batch: loss(outer_params, inner_params, batch)[0]
    return loss
