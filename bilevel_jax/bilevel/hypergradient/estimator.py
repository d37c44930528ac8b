"""What every hypergradient estimator is: a pair of pure functions, as optax's transforms are."""

from collections.abc import Callable
from typing import Any, NamedTuple

PyTree = Any
Loss = Callable[[PyTree, PyTree, PyTree], Any]  # (outer_params, inner_params, batch) -> scalar [, aux]


class Estimate(NamedTuple):
    """What an estimator returns; `outer_grad` has the structure, shapes and types of the outer parameters."""

    outer_grad: PyTree  # the hypergradient
    inner_grad: PyTree | None  # None: train the inner problem on its own loss; else what its optimizer takes instead
    inner_params: PyTree | None  # None, or the inner parameters that the estimator arrived at
    state: PyTree
    aux: dict[str, Any]  # float32 scalars: loss values, rho, norms; for logs


class Estimator(NamedTuple):
    """A hypergradient estimator of `min_w F(w, v*(w))  s.t.  v*(w) in argmin_v f(w, v)`."""

    init: Callable[[PyTree, PyTree], PyTree]  # (outer_params, inner_params) -> state, () where there is none
    estimate: Callable[[PyTree, PyTree, PyTree, PyTree, PyTree], Estimate]
    # ^ (outer_params, inner_params, outer_batch, inner_batch, state) -> Estimate
    needs_inner_loss: bool = True  # False: the inner loss and the inner batch are never looked at


def stateless(outer_params: PyTree, inner_params: PyTree) -> tuple[()]:
    """The `init` of an estimator that keeps nothing."""
    return ()


def with_aux(loss: Loss, has_aux: bool) -> Loss:
    """The same loss, returning (scalar, aux) whether or not it did before (aux is {} where it did not)."""
    if has_aux:
        return loss
    return lambda outer_params, inner_params, batch: (loss(outer_params, inner_params, batch), {})
