"""The gradients of several losses from one forward pass."""

from collections.abc import Callable, Mapping
from typing import Literal, overload

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.separate_pulls import losses_and_pull
from bilevel_jax.bilevel.shared_leaves import shared_mask, split_leaves
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.bilevel.update_checks import vector_of_tasks

Losses = Float[Array, " k"]
# (K cotangents, None where a loss has no part; which losses are absent) -> gradient
Pull = Callable[..., PyTree]
Weights = Losses | Callable[[Losses], Losses]  # given, or made of the losses of the same forward pass


@overload
def task_gradients(
    losses_fn: Callable[[PyTree], PyTree],
    params: PyTree,
    *,
    has_aux: Literal[False] = False,
    axis_name: str | None = None,
) -> tuple[Losses, PyTree]: ...
@overload
def task_gradients(
    losses_fn: Callable[[PyTree], PyTree], params: PyTree, *, has_aux: Literal[True], axis_name: str | None = None
) -> tuple[Losses, PyTree, PyTree]: ...
def task_gradients(
    losses_fn: Callable[[PyTree], PyTree], params: PyTree, *, has_aux: bool = False, axis_name: str | None = None
) -> tuple[Losses, PyTree] | tuple[Losses, PyTree, PyTree]:
    """The gradients of K losses, stacked, from one forward pass and K pulls of it.

    A loss that is NaN, such as a mean over no labels, spoils its own row alone. This needs losses that the program
    tells apart: losses that come out of one scan, one `jax.checkpoint` or one `custom_vjp` spoil each other.

    Args:
      losses_fn: params -> losses, [K] or a sequence of K scalars; (losses, aux) where `has_aux`.
      params: a pytree.
      has_aux: whether `losses_fn` returns aux too.
      axis_name: mapped axis of shard_map or pmap over which the batch is split; losses and gradients are averaged
        over it.

    Returns:
      (losses [K], gradients with a leading task axis of K on every leaf), and aux (this device's) where `has_aux`.

    Raises:
      ValueError: the losses are not a vector, or `weights` are not K numbers.
    """
    losses, pull, aux = _forward(losses_fn, params, has_aux, axis_name)
    number, one = losses.shape[0], jnp.ones((), losses.dtype)
    grads = trees.stacked([pull([one if i == k else None for i in range(number)]) for k in range(number)])
    return (losses, grads, aux) if has_aux else (losses, grads)


@overload
def combined_gradient(
    losses_fn: Callable[[PyTree], PyTree],
    params: PyTree,
    weights: Weights,
    *,
    shared: PyTree | Callable[[PyTree], PyTree] | None = None,
    has_aux: Literal[False] = False,
    axis_name: str | None = None,
) -> tuple[Losses, PyTree]: ...
@overload
def combined_gradient(
    losses_fn: Callable[[PyTree], PyTree],
    params: PyTree,
    weights: Weights,
    *,
    shared: PyTree | Callable[[PyTree], PyTree] | None = None,
    has_aux: Literal[True],
    axis_name: str | None = None,
) -> tuple[Losses, PyTree, PyTree]: ...
def combined_gradient(
    losses_fn: Callable[[PyTree], PyTree],
    params: PyTree,
    weights: Weights,
    *,
    shared: PyTree | Callable[[PyTree], PyTree] | None = None,
    has_aux: bool = False,
    axis_name: str | None = None,
) -> tuple[Losses, PyTree] | tuple[Losses, PyTree, PyTree]:
    """The gradient of sum_k weights_k losses_k from ONE backward pass.

    A loss of weight 0 is left out wholly, NaN or not, where `task_gradients` would keep it in its row.

    Args:
      losses_fn, params, has_aux, axis_name: as in `task_gradients`.
      weights: K numbers, as from `next_weights`; or a function from the losses [K] of the forward pass to K numbers,
        such as `lambda losses: next_weights(state, losses, weighting="uw")`. No gradient goes through the function.
      shared: as in `dynamic_aggregate`: leaves that are not True, such as task heads, take the plain sum over the tasks
        whose weight is not 0. That is a second pull, of which jit keeps the heads' part alone.

    Returns:
      (losses [K], gradient with the shapes of `params`), and aux (this device's) where `has_aux`.

    Raises:
      ValueError: the losses are not a vector, or `weights` are not K numbers.
    """
    losses, pull, aux = _forward(losses_fn, params, has_aux, axis_name)
    given = weights(losses) if callable(weights) else weights
    weights = vector_of_tasks("weights", given, len(losses), losses.dtype)
    absent = weights == 0
    grad = pull(weights, absent)
    mask = shared_mask(shared, params)
    if mask is not None:
        heads = split_leaves(pull((~absent).astype(losses.dtype), absent), mask)[1]
        weighed, _, merge = split_leaves(grad, mask)
        grad = merge(weighed, heads)
    return (losses, grad, aux) if has_aux else (losses, grad)


def _forward(
    losses_fn: Callable[[PyTree], PyTree], params: PyTree, has_aux: bool, axis_name: str | None
) -> tuple[Losses, Pull, PyTree]:
    """One forward pass: (losses, pull, aux), averaged over devices."""

    leaves, structure = jax.tree.flatten(trees.per_device(params, axis_name))
    rest: list[PyTree] = []

    def vector_and_aux(*leaves):
        result = losses_fn(jax.tree.unflatten(structure, leaves))
        losses, aux = result if has_aux else (result, None)
        if isinstance(losses, Mapping):
            raise ValueError(
                f"losses_fn returned a dict with the keys {list(losses)}: expected [K] or a sequence of K scalars, "
                "such as tuple(losses.values())"
            )
        losses = jnp.stack(list(losses)) if isinstance(losses, list | tuple) else jnp.asarray(losses)
        if losses.ndim != 1:
            raise ValueError(
                f"expected K losses as [K] or as a sequence of scalars, got an array of shape {losses.shape}"
            )
        aux_leaves, aux_structure = jax.tree.flatten(aux)
        traced = {number: leaf for number, leaf in enumerate(aux_leaves) if isinstance(leaf, jax.core.Tracer)}
        rest[:] = [aux_leaves, list(traced), aux_structure]
        return losses, list(traced.values())

    losses, traced, vjp = losses_and_pull(vector_and_aux, leaves)
    forgotten = trees.varying_axes(losses) - trees.varying_axes(params)
    if axis_name is None and forgotten:
        axis = min(str(name) for name in forgotten)
        raise ValueError(
            f"the losses differ between the devices of the mapped axis {axis!r}: pass axis_name={axis!r}, which "
            "averages over it"
        )

    def pull(cotangents, absent=None):
        given = [None if one is None else trees.per_device(one, axis_name) for one in cotangents]
        return trees.mean(jax.tree.unflatten(structure, vjp(given, absent)), axis_name)

    aux_leaves, places, aux_structure = rest  # what depends on no parameter is as `losses_fn` made it
    for number, value in zip(places, traced, strict=True):
        aux_leaves[number] = value
    return trees.mean(losses, axis_name), pull, jax.tree.unflatten(aux_structure, aux_leaves)
