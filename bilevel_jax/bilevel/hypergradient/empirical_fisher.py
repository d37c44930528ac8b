"""The hypergradient with per-example gradients in place of second derivatives."""

from typing import Any

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.gramian import gramian
from bilevel_jax.bilevel.hypergradient.estimator import Estimate, Estimator, Loss, stateless, with_aux


def empirical_fisher(
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    damping: float = 0.0,
    relative_damping: float = 0.1,
    correction: float = 1.0,
    outer_in_axes: Any = None,
    has_aux: bool = False,
    axis_name: str | None = None,
    sharded_outer: bool = False,
) -> Estimator:
    """F_w - correction f_wv (f_vv + d I)^-1 F_v, both second derivatives replaced by sums over the inner batch.

    f_vv ~ mean of f_v^i f_v^i^T and f_wv ~ mean of f_w^i f_v^i^T: rank B where `one_step` has rank 1. By Woodbury's
    identity it takes a B x B solve, c = (A A^T / B + d I)^-1 A F_v for the rows A of per-example gradients, and one
    weighted backward pass, g = F_w - correction grad_w mean(c_i f^i). Memory: B times the inner parameters.

    Args:
      outer_loss, inner_loss: as in `one_step`; the inner loss has to be a mean over examples, and takes a batch of one.
      damping: d, in the units of f_vv.
      relative_damping: adds this times the mean squared length of the per-example gradients to d.
      correction: 1 is the full correction; 0 leaves F_w.
      outer_in_axes: how `jax.vmap` maps the outer variable over examples; None: all examples share it. (None, 0) for
        an outer variable (u_outer, u_inner) with a leading batch axis, as in `outer_gradient`.
      has_aux, sharded_outer: as in `one_step`.
      axis_name: must be None: the Fisher matrix of a batch that is split over devices is not formed.

    Returns:
      An Estimator without state. Aux: `outer_loss`, `inner_loss`, `outer_grad_norm`, `correction_norm`, and
      `outer_aux`, `inner_aux` (of the whole inner batch) where `has_aux`.

    References:
      Amari, Park and Fukumizu, Adaptive Method of Realizing Natural Gradient Learning, Neural Computation 12, 2000
      (the empirical Fisher matrix); Woodbury, 1950.
    """
    if axis_name is not None:
        raise ValueError("empirical_fisher works on the whole inner batch: axis_name must be None")
    if damping < 0 or relative_damping < 0:
        raise ValueError(f"damping must not be negative, got damping={damping}, relative_damping={relative_damping}")
    del sharded_outer
    outer_gradients = jax.value_and_grad(with_aux(outer_loss, has_aux), argnums=(0, 1), has_aux=True)
    inner_with_aux = with_aux(inner_loss, has_aux)

    def estimate(outer_params, inner_params, outer_batch, inner_batch, state):
        (outer_value, outer_extra), (F_w, F_v) = outer_gradients(outer_params, inner_params, outer_batch)

        def example_loss(w, v, example):
            one = jax.tree.map(lambda a: a[None], example)
            return inner_with_aux(_with_batch_axis(w, outer_in_axes), v, one)[0]

        per_example = jax.vmap(jax.grad(example_loss, argnums=1), in_axes=(outer_in_axes, None, 0))
        rows = per_example(outer_params, inner_params, inner_batch)
        size = jax.tree.leaves(rows)[0].shape[0]
        matrix = gramian(rows) / size
        onto = sum(
            jnp.tensordot(a, b, axes=b.ndim, precision=jax.lax.Precision.HIGHEST).astype(matrix.dtype)
            for a, b in zip(jax.tree.leaves(rows), jax.tree.leaves(F_v), strict=True)
        )
        d = damping + relative_damping * jnp.trace(matrix)
        # A floor of rounding size keeps a batch with equal examples solvable.
        d = d + 10 * size * jnp.finfo(matrix.dtype).eps * jnp.trace(matrix)
        d = jnp.where(d > 0, d, 1.0)
        c = jax.lax.stop_gradient(jnp.linalg.solve(matrix + d * jnp.eye(size, dtype=matrix.dtype), onto))

        def weighted(w):
            losses = jax.vmap(example_loss, in_axes=(outer_in_axes, None, 0))(w, inner_params, inner_batch)
            return jnp.mean(c.astype(losses.dtype) * losses), jnp.mean(losses)

        mixed, inner_value = jax.grad(weighted, has_aux=True)(outer_params)
        aux = {
            "outer_loss": outer_value,
            "inner_loss": inner_value,
            "outer_grad_norm": trees.norm(F_w),
            "correction_norm": abs(correction) * trees.norm(mixed),
        }
        if has_aux:
            aux |= {"outer_aux": outer_extra, "inner_aux": inner_with_aux(outer_params, inner_params, inner_batch)[1]}
        return Estimate(trees.add_scaled(F_w, -correction, mixed), None, None, state, aux)

    return Estimator(stateless, estimate)


def _with_batch_axis(outer, in_axes):
    """Gives the mapped parts of the outer variable, sliced by vmap, their batch axis back."""
    if in_axes is None:
        return outer
    if isinstance(in_axes, int):
        return jax.tree.map(lambda a: jnp.expand_dims(a, in_axes), outer)
    return tuple(_with_batch_axis(part, axes) for part, axes in zip(outer, in_axes, strict=True))
