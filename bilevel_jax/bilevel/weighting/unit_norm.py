"""Gradients normalised to unit length."""

import jax.numpy as jnp

from bilevel_jax.bilevel.weighting.small_quadratic_programs import normalised
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits, without_state


@WeightingTraits(
    promises=[Promise.SCALE_FREE, Promise.SYMMETRIC],
    paper='Sener & Koltun 2018 ("l2")',
    choose_for="losses in different units; the cheapest cure",
)
def unit_norm() -> Weighting:
    """The mean of the task gradients, each normalised to unit length.

    Needs the Gramian. A zero gradient adds nothing.

    References:
      The normalisation of task gradients by their length ("l2") of Sener and Koltun, Multi-Task Learning as
      Multi-Objective Optimization, NeurIPS 2018 (arXiv 1810.04650), with equal weights.
    """

    def weights(matrix):
        _, norms = normalised(matrix)
        return jnp.where(jnp.diagonal(matrix) > 0, 1.0 / norms, 0.0) / matrix.shape[0]

    return without_state("gramian", weights, degree=-1.0)
