"""The gradients of several losses from one forward pass."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel import trees

PyTree = Any


def task_gradients(losses_fn: Callable[[PyTree], Any], params: PyTree, *, has_aux: bool = False):
    """The gradients of K losses, stacked, from one forward pass and K pulls of it.

    Args:
      losses_fn: params -> losses, [K] or a sequence of K scalars; (losses, aux) where `has_aux`.
      params: a pytree.

    Returns:
      (losses [K], gradients with a leading task axis of K on every leaf), and aux where `has_aux`.
    """
    losses, pull, aux = _forward(losses_fn, params, has_aux)
    rows = jnp.eye(losses.shape[0], dtype=losses.dtype)
    grads = trees.stacked([pull(row)[0] for row in rows])
    return (losses, grads, aux) if has_aux else (losses, grads)


def combined_gradient(losses_fn: Callable[[PyTree], Any], params: PyTree, weights: jax.Array, *, has_aux: bool = False):
    """The gradient of sum_k weights_k losses_k from ONE backward pass, for weights [K] known beforehand.

    Returns (losses [K], gradient with the shapes of `params`), and aux where `has_aux`.
    """
    losses, pull, aux = _forward(losses_fn, params, has_aux)
    grad = pull(jnp.asarray(weights, losses.dtype))[0]
    return (losses, grad, aux) if has_aux else (losses, grad)


def _forward(losses_fn, params, has_aux):
    def stacked_losses(params):
        result = losses_fn(params)
        losses, aux = result if has_aux else (result, None)
        return jnp.stack(list(losses)) if isinstance(losses, list | tuple) else losses, aux

    losses, pull, aux = jax.vjp(stacked_losses, params, has_aux=True)
    if losses.ndim != 1:
        raise ValueError(f"expected K losses as [K] or as a sequence of scalars, got an array of shape {losses.shape}")
    return losses, pull, aux
