"""The hypergradient with per-example gradients in place of second derivatives."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.gramian import gramian
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimator, Loss, stateless, with_aux
from bilevel_jax.bilevel.hypergradient.method import EstimatorTraits
from bilevel_jax.bilevel.hypergradient.reduction import corrected
from bilevel_jax.bilevel.trees import PyTree

Axes = int | None | tuple[int | None, ...]


@EstimatorTraits(
    cost="3 B, B x n memory",
    exact_where="as `one_step`, with one residual an example, all of one size",
    paper="Amari et al. 2000; Woodbury",
    choose_for="small batches and losses that are means over examples: the first-order choice without steps of its own",
    example_gradients=True,
    plain_gradients=lambda steps, coordinates: 1,  # of the outer batch, and the few examples of the inner batch
)
def empirical_fisher(
    context: Context,
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    damping: float = 0.0,
    relative_damping: float = 0.1,
    correction: float = 1.0,
    outer_in_axes: Axes = None,
) -> Estimator:
    """F_w - correction f_wv (f_vv + d I)^-1 F_v, both second derivatives replaced by sums over the inner batch.

    f_vv ~ mean of f_v^i f_v^i^T and f_wv ~ mean of f_w^i f_v^i^T: rank B where `one_step` has rank 1. By Woodbury's
    identity it takes a B x B solve, c = (A A^T / B + d I)^-1 A F_v for the rows A of per-example gradients, and one
    weighted backward pass, g = F_w - correction grad_w mean(c_i f^i). Memory: B times the inner parameters.

    With `axis_name`, B is the size of the whole batch, and the devices exchange parts of their rows: each device holds
    all rows for its share of the coordinates, which takes as much memory again as its own rows.

    Args:
      inner_loss: f, as in `one_step`; it must be a mean over examples, and takes a batch of one.
      damping: d, in the units of f_vv, at least 0.
      relative_damping: adds this times the mean squared length of the per-example gradients to d, at least 0.
      correction: factor of the correction. 1 is the full correction; 0 leaves F_w.
      outer_in_axes: how `jax.vmap` maps the outer variable over examples; None: all examples share it. (None, 0) for
        an outer variable (u_outer, u_inner) with a leading batch axis, as in `outer_gradient`.

    Returns:
      An Estimator without state. Aux: `outer_loss`, `inner_loss`, `outer_grad_norm`, `correction_norm`; `inner_aux` is
      that of the whole inner batch.

    References:
      Amari, Park and Fukumizu, Adaptive Method of Realizing Natural Gradient Learning, Neural Computation 12, 2000
      (the empirical Fisher matrix); Woodbury, 1950.
    """
    if damping < 0 or relative_damping < 0:
        raise ValueError(f"damping must not be negative, got damping={damping}, relative_damping={relative_damping}")
    outer_gradients = jax.value_and_grad(with_aux(outer_loss, context), argnums=(0, 1), has_aux=True)
    inner_with_aux, axis_name = with_aux(inner_loss, context), context.axis_name

    def estimate(outer_params, inner_params, outer_batch, inner_batch, state):
        outer_params, inner_params = trees.per_device((outer_params, inner_params), axis_name)
        (outer_value, outer_extra), (F_w, F_v) = outer_gradients(outer_params, inner_params, outer_batch)
        F_v = trees.mean(F_v, axis_name)

        def example_loss(w, v, example):
            one = jax.tree.map(lambda a: a[None], example)
            return inner_with_aux(_with_batch_axis(w, outer_in_axes), v, one)[0]

        per_example = jax.vmap(jax.grad(example_loss, argnums=1), in_axes=(outer_in_axes, None, 0))
        rows = per_example(outer_params, inner_params, inner_batch)
        own = jax.tree.leaves(rows)[0].shape[0]
        matrix = trees.total(gramian(_all_rows(rows, axis_name)), axis_name)
        size = matrix.shape[0]
        matrix = matrix / size
        onto = sum(
            jnp.tensordot(a, b, axes=b.ndim, precision=jax.lax.Precision.HIGHEST).astype(matrix.dtype)
            for a, b in zip(jax.tree.leaves(rows), jax.tree.leaves(F_v), strict=True)
        )
        d = damping + relative_damping * jnp.trace(matrix)
        # A floor of rounding size keeps a batch with equal examples solvable.
        d = d + 10 * size * jnp.finfo(matrix.dtype).eps * jnp.trace(matrix)
        d = jnp.where(d > 0, d, 1.0)
        if axis_name is not None:
            onto = jax.lax.all_gather(onto, axis_name, tiled=True)
        c = jax.lax.stop_gradient(jnp.linalg.solve(matrix + d * jnp.eye(size, dtype=matrix.dtype), onto))
        if axis_name is not None:
            c = jax.lax.dynamic_slice_in_dim(c, own * jax.lax.axis_index(axis_name), own)

        def weighted(w):
            losses = jax.vmap(example_loss, in_axes=(outer_in_axes, None, 0))(w, inner_params, inner_batch)
            return jnp.mean(c.astype(losses.dtype) * losses), jnp.mean(losses)

        mixed, inner_value = jax.grad(weighted, has_aux=True)(outer_params)
        aux = {"inner_loss": trees.mean(inner_value, axis_name)}
        if context.has_aux:
            aux |= {"outer_aux": outer_extra, "inner_aux": inner_with_aux(outer_params, inner_params, inner_batch)[1]}
        return corrected(context, F_w, mixed, correction, outer_value, aux, state)

    return Estimator(stateless, estimate)


def _all_rows(rows: PyTree, axis_name: str | None) -> PyTree:
    """The rows of all devices' examples, each device with its share of every leaf's coordinates, filled with zeros."""
    if axis_name is None:
        return rows
    devices = jax.lax.axis_size(axis_name)

    def leaf(stack):
        flat = stack.reshape(stack.shape[0], -1)
        filled = jnp.pad(flat, ((0, 0), (0, -flat.shape[1] % devices)))
        return jax.lax.all_to_all(filled, axis_name, split_axis=1, concat_axis=0, tiled=True)

    return jax.tree.map(leaf, rows)


def _with_batch_axis(outer: PyTree, in_axes: Axes) -> PyTree:
    """Gives the mapped parts of the outer variable, sliced by vmap, their batch axis back."""
    if in_axes is None:
        return outer
    if isinstance(in_axes, int):
        return jax.tree.map(lambda a: jnp.expand_dims(a, in_axes), outer)
    return tuple(_with_batch_axis(part, axes) for part, axes in zip(outer, in_axes, strict=True))
