"""Gradients normalised to unit length."""

import jax.numpy as jnp

from bilevel_jax.bilevel.weighting.small_quadratic_programs import normalised
from bilevel_jax.bilevel.weighting.weighting import Weighting, without_state


def unit_norm() -> Weighting:
    """The mean of the task gradients, each normalised to unit length; a zero gradient adds nothing; needs the Gramian.

    References:
      The normalisation of task gradients by their length ("l2") of Sener and Koltun, Multi-Task Learning as
      Multi-Objective Optimization, NeurIPS 2018 (arXiv 1810.04650), with equal weights.
    """

    def weights(matrix):
        _, norms = normalised(matrix)
        return jnp.where(jnp.diagonal(matrix) > 0, 1.0 / norms, 0.0) / matrix.shape[0]

    return without_state("gramian", weights)
