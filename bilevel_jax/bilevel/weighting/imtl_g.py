"""Impartial multi-task learning, the gradient side."""

import jax.numpy as jnp

from bilevel_jax.bilevel.weighting.small_quadratic_programs import normalised, pseudo_inverse_apply
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits, without_state


@WeightingTraits(
    promises=[Promise.ONE_TASK_UNCHANGED, Promise.SYMMETRIC, Promise.EQUAL_PROJECTIONS],
    paper="Liu et al. 2021 (ICLR), eq. 6",
    choose_for="all tasks must progress alike; the weights may be negative",
)
def imtl_g() -> Weighting:
    """The combination, with weights of sum 1, whose projections onto all task gradients are equal.

    Needs the Gramian. In closed form the weights are G^+ |g|, normalised; a weight may be negative. All weights are 0
    where no such combination exists (opposite gradients). Zero gradients are left out.

    References:
      Liu et al., Towards Impartial Multi-task Learning, ICLR 2021, equation 6.
    """

    def weights(matrix):
        cosines, norms = normalised(matrix)
        alone = jnp.where(jnp.diagonal(cosines) > 0, 1.0, 0.0)
        # Solved on the cosines: scaling a task's gradient then changes nothing but that task's weight.
        found = pseudo_inverse_apply(cosines, alone) * alone * (jnp.min(norms) / norms)
        total = jnp.sum(found)
        enough = jnp.abs(total) > 10 * matrix.shape[0] * jnp.finfo(found.dtype).eps * jnp.max(jnp.abs(found))
        return jnp.where(enough, found / jnp.where(enough, total, 1.0), 0.0)

    return without_state("gramian", weights)
