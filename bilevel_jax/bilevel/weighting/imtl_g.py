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
    where no vector has equal projections other than 0 (opposite gradients, or more tasks than independent gradients).
    Zero gradients are left out. Unlike in the paper, an update that is longer than the longest gradient is
    shortened to its length: near opposed gradients it would grow without bound.

    References:
      Liu et al., Towards Impartial Multi-task Learning, ICLR 2021, equation 6.
    """

    def weights(matrix):
        cosines, norms = normalised(matrix)
        alone = jnp.where(jnp.diagonal(cosines) > 0, 1.0, 0.0).astype(cosines.dtype)
        # Solved on the cosines: scaling a task's gradient then changes nothing but that task's weight.
        solution = pseudo_inverse_apply(cosines, alone) * alone
        projections = cosines @ solution
        exists = jnp.all(jnp.abs(projections - alone) < 0.01)  # else no vector has equal projections on all of them
        found = solution * (jnp.min(norms) / norms)
        total = jnp.sum(found)
        found = found / jnp.where(total == 0, 1.0, total)
        # Near opposed gradients the weights, of sum 1, grow beyond all bounds: the update is at most as long as the
        # longest gradient.
        products = jnp.maximum(solution @ projections, 0.0)  # of the update, where the weights are not yet normalised
        length = jnp.sqrt(products) * jnp.min(norms) / jnp.where(total == 0, 1.0, jnp.abs(total))
        longest = jnp.max(jnp.where(alone > 0, norms, 0.0))
        return jnp.where(exists & (total != 0), found * jnp.minimum(1.0, longest / jnp.maximum(length, longest)), 0.0)

    return without_state("gramian", weights, degree=0.0)
