"""The first-order hypergradient of the paper: a rank-one Gauss-Newton step."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.estimator import Estimate, Estimator, Loss, stateless, with_aux
from bilevel_jax.bilevel.hypergradient.ignore import ignore
from bilevel_jax.bilevel.hypergradient.reduction import outer_norm, outer_vdot, reduce_outer


def one_step(
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    correction: float = 1.0,
    damping: float = 0.0,
    relative_damping: float = 0.0,
    has_aux: bool = False,
    axis_name: str | None = None,
    sharded_outer: bool = False,
) -> Estimator:
    """The hypergradient g = F_w - correction rho f_w, rho = <F_v, f_v> / (|f_v|^2 + damping); two backward passes.

    Both second-order terms of the implicit function theorem are replaced by outer products of first-order gradients
    (f_vv ~ f_v f_v^T, f_wv ~ f_w f_v^T). Without damping the result equals the implicit-function expression at the
    current (w, v) where f is half the square of one residual, not 0, that is affine in (w, v). The further the inner
    problem is solved the larger rho becomes, so training is better served by a relative damping or a small
    correction.

    Args:
      outer_loss: F, pure: (outer_params, inner_params, outer_batch) -> scalar.
      inner_loss: f, pure: (outer_params, inner_params, inner_batch) -> scalar.
      correction: 1 is the theory; 0 drops the correction, and then nothing of f is computed; -eta is the sign and
        length of the authors' release. A Python number: it decides what is compiled.
      damping: added to |f_v|^2 (Levenberg-Marquardt: f_vv ~ f_v f_v^T + damping I), in the units of |f_v|^2.
      relative_damping: delta; adds delta |F_v|^2 to the damping, so that |rho| <= 1 / (2 sqrt(delta)).
      has_aux: both losses return (scalar, aux) instead.
      axis_name: the mapped axis of shard_map or pmap over which each device holds an equal part of both batches;
        gradients are averaged over it before any inner product is taken.
      sharded_outer: the outer variable is itself split over `axis_name` (fused images, weights of samples): its
        gradient stays with its device, as the gradient of the mean loss over all devices.

    Returns:
      An Estimator without state. rho is 0 where f_v = 0. Aux (float32 scalars): `outer_loss`, `inner_loss`, `rho`,
      `outer_grad_norm` |F_w|, `mixed_grad_norm` |f_w|, `outer_inner_norm` |F_v|, `inner_grad_norm` |f_v|,
      `outer_mixed_dot` <F_w, f_w>, and `outer_aux`, `inner_aux` (this device's) where `has_aux`. With correction 0
      only `outer_loss`, `outer_grad_norm`, `rho` = 0 and `outer_aux` are there.

    References:
      Liu et al., Bi-level Dynamic Learning for Jointly Multi-modality Image Fusion and Beyond, IJCAI 2023
      (arXiv 2305.06720).
    """
    if damping < 0 or relative_damping < 0:
        raise ValueError(f"damping must not be negative, got damping={damping}, relative_damping={relative_damping}")
    if correction == 0:
        return _without_correction(outer_loss, has_aux, axis_name, sharded_outer)
    outer_gradients = jax.value_and_grad(with_aux(outer_loss, has_aux), argnums=(0, 1), has_aux=True)
    inner_gradients = jax.value_and_grad(with_aux(inner_loss, has_aux), argnums=(0, 1), has_aux=True)

    def estimate(outer_params, inner_params, outer_batch, inner_batch, state):
        outer_params, inner_params = trees.per_device((outer_params, inner_params), axis_name)
        (outer_value, outer_extra), (F_w, F_v) = outer_gradients(outer_params, inner_params, outer_batch)
        (inner_value, inner_extra), (f_w, f_v) = inner_gradients(outer_params, inner_params, inner_batch)
        F_w, f_w = reduce_outer((F_w, f_w), axis_name, sharded_outer)
        F_v, f_v = trees.mean((F_v, f_v), axis_name)

        F_v_squared, f_v_squared = trees.vdot(F_v, F_v), trees.vdot(f_v, f_v)
        denominator = f_v_squared + damping + relative_damping * F_v_squared
        # f_v = 0 gives 0 / 0 without damping: nothing is known of the inner problem, so nothing is corrected.
        safe = jnp.where(denominator > 0, denominator, 1.0)
        rho = jnp.where(denominator > 0, trees.vdot(F_v, f_v) / safe, 0.0)

        aux = {
            "outer_loss": trees.mean(outer_value, axis_name),
            "inner_loss": trees.mean(inner_value, axis_name),
            "rho": rho,
            "outer_grad_norm": outer_norm(F_w, axis_name, sharded_outer),
            "mixed_grad_norm": outer_norm(f_w, axis_name, sharded_outer),
            "outer_inner_norm": jnp.sqrt(F_v_squared),
            "inner_grad_norm": jnp.sqrt(f_v_squared),
            "outer_mixed_dot": outer_vdot(F_w, f_w, axis_name, sharded_outer),
        }
        if has_aux:
            aux |= {"outer_aux": outer_extra, "inner_aux": inner_extra}
        return Estimate(trees.add_scaled(F_w, -correction * rho, f_w), None, None, state, aux)

    return Estimator(stateless, estimate)


def _without_correction(outer_loss, has_aux, axis_name, sharded_outer) -> Estimator:
    partial = ignore(outer_loss, has_aux=has_aux, axis_name=axis_name, sharded_outer=sharded_outer)

    def estimate(*arguments):
        result = partial.estimate(*arguments)
        return result._replace(aux={**result.aux, "rho": jnp.zeros((), jnp.float32)})

    return partial._replace(estimate=estimate)
