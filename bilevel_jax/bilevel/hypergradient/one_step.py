"""The first-order hypergradient of the paper: a rank-one Gauss-Newton step."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel import trees
from bilevel_jax.bilevel.hypergradient.context import Context
from bilevel_jax.bilevel.hypergradient.estimator import Estimate, Estimator, Loss, stateless, with_aux
from bilevel_jax.bilevel.hypergradient.ignore import ignore
from bilevel_jax.bilevel.hypergradient.method import EstimatorTraits
from bilevel_jax.bilevel.hypergradient.reduction import outer_norm, outer_vdot, reduce_outer
from bilevel_jax.bilevel.hypergradient.rho import rank_one_factor


@EstimatorTraits(
    cost="2 B",
    exact_where="f is half the square of one residual, affine in (w, v)",
    paper="Liu et al. 2023",
    choose_for="the fusion paper's rule. Damp it (`relative_damping`) or scale it (`correction`), because its length "
    "grows like 1/norm(f_v). For weights of samples, use one sample a batch",
    plain_gradients=lambda steps, coordinates: 2,
)
def one_step(
    context: Context,
    outer_loss: Loss,
    inner_loss: Loss,
    *,
    correction: float = 1.0,
    damping: float = 0.0,
    relative_damping: float = 0.0,
) -> Estimator:
    """The hypergradient g = F_w - correction rho f_w, rho = <F_v, f_v> / (|f_v|^2 + damping); two backward passes.

    Both second-order terms of the implicit function theorem are replaced by outer products of first-order gradients
    (f_vv ~ f_v f_v^T, f_wv ~ f_w f_v^T). Without damping the result equals the implicit-function expression at the
    current (w, v) where f is half the square of one residual, not 0, that is affine in (w, v). The further the inner
    problem is solved the larger rho becomes, so training is better served by a relative damping or a small
    correction.

    Args:
      correction: factor of the correction. 1 is the theory. 0 drops the correction, and then nothing of f is
        computed. -eta is the sign and length of the authors' release. A Python number: it decides what is compiled.
      damping: added to |f_v|^2, in its units, at least 0 (Levenberg-Marquardt: f_vv ~ f_v f_v^T + damping I).
      relative_damping: delta, at least 0; adds delta |F_v|^2 to the damping, so that |rho| <= 1 / (2 sqrt(delta)).

    Returns:
      An Estimator without state. rho is 0 where f_v = 0. Aux (float32 scalars): `outer_loss`, `inner_loss`, `rho`,
      `outer_grad_norm` |F_w|, `mixed_grad_norm` |f_w|, `outer_inner_norm` |F_v|, `inner_grad_norm` |f_v|,
      `outer_mixed_dot` <F_w, f_w>. With correction 0 only `outer_loss`, `outer_grad_norm` and `rho` = 0 are there.

    References:
      Liu et al., Bi-level Dynamic Learning for Jointly Multi-modality Image Fusion and Beyond, IJCAI 2023
      (arXiv 2305.06720).
    """
    if damping < 0 or relative_damping < 0:
        raise ValueError(f"damping must not be negative, got damping={damping}, relative_damping={relative_damping}")
    if correction == 0:
        return _without_correction(context, outer_loss)
    outer_gradients = jax.value_and_grad(with_aux(outer_loss, context), argnums=(0, 1), has_aux=True)
    inner_gradients = jax.value_and_grad(with_aux(inner_loss, context), argnums=(0, 1), has_aux=True)

    def estimate(outer_params, inner_params, outer_batch, inner_batch, state):
        outer_params, inner_params = trees.per_device((outer_params, inner_params), context.axis_name)
        (outer_value, outer_extra), (F_w, F_v) = outer_gradients(outer_params, inner_params, outer_batch)
        (inner_value, inner_extra), (f_w, f_v) = inner_gradients(outer_params, inner_params, inner_batch)
        F_w, f_w = reduce_outer((F_w, f_w), context)
        F_v, f_v = trees.mean((F_v, f_v), context.axis_name)

        rho, F_v_squared, f_v_squared = rank_one_factor(F_v, f_v, damping, relative_damping)
        aux = {
            "outer_loss": trees.mean(outer_value, context.axis_name),
            "inner_loss": trees.mean(inner_value, context.axis_name),
            "rho": rho,
            "outer_grad_norm": outer_norm(F_w, context),
            "mixed_grad_norm": outer_norm(f_w, context),
            "outer_inner_norm": jnp.sqrt(F_v_squared),
            "inner_grad_norm": jnp.sqrt(f_v_squared),
            "outer_mixed_dot": outer_vdot(F_w, f_w, context),
        }
        if context.has_aux:
            aux |= {"outer_aux": outer_extra, "inner_aux": inner_extra}
        return Estimate(trees.add_scaled(F_w, -correction * rho, f_w), None, None, state, aux)

    return Estimator(stateless, estimate)


def _without_correction(context: Context, outer_loss: Loss) -> Estimator:
    partial = ignore(outer_loss, **context._asdict())

    def estimate(*arguments):
        result = partial.estimate(*arguments)
        return result._replace(aux={**result.aux, "rho": jnp.zeros((), jnp.float32)})

    return partial._replace(estimate=estimate)
